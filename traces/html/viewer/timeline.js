// The timeline: a row for each slot. Where cycles are narrow, columns are means (means.js); otherwise
// cells are drawn, with as much text as fits.

const CELLS_FROM = 3; // pixels a cycle

class Timeline {
  constructor(canvas, run) {
    this.run = run;
    this.core = 0;
    this.means = new Means(run);
    this.surface = new Surface(canvas);
  }
  // `row`: the height of a row, in pixels.
  resize(row) {
    this.rowHeight = row;
    this.surface.resize(AXIS + this.run.rows * row + 6);
  }
  top(row) {
    return AXIS + row * this.rowHeight;
  }
  middle(row) {
    return this.top(row) + this.rowHeight / 2;
  }
  x(cycle, view) {
    return GUTTER + ((cycle - view.start) / view.span) * this.surface.plot;
  }
  // The cycle and row at a point of the canvas; row -1 outside.
  at(x, y, view) {
    const row = Math.floor((y - AXIS) / this.rowHeight);
    const cycle = Math.floor(view.start + ((x - GUTTER) / this.surface.plot) * view.span);
    return { cycle, row: x < GUTTER || row < 0 || row >= this.run.rows ? -1 : row };
  }
  // The slot at a point, or one close by where cycles are narrow; -1: none.
  slotAt(x, y, view) {
    const { cycle, row } = this.at(x, y, view);
    if (row < 0) return -1;
    const reach = Math.ceil((view.span / this.surface.plot) * 2);
    for (let d = 0; d <= (reach > 1 ? reach : 0); d++)
      for (const c of d ? [cycle - d, cycle + d] : [cycle]) {
        const slot = this.run.slotAt(c, row, this.core);
        if (slot >= 0) return slot;
      }
    return -1;
  }

  draw(theme, view, state) {
    const g = this.surface.begin(theme);
    const from = Math.floor(view.start), to = Math.min(Math.ceil(view.start + view.span), this.run.cycles);
    this.drawRows(g, theme);
    const { marks } = state.found.get(this.run);
    if (this.surface.plot / view.span < CELLS_FROM) this.means.draw(g, this, theme, view, marks);
    else this.drawCells(g, theme, view, from, to, marks);
    drawAxis(g, this.surface, theme, this.run, view.start, view.span, 0);
    if (state.selected && state.selected.run === this.run) this.drawSelected(g, theme, view, state.selected);
    // What reaches out of the plot to the left.
    g.fillStyle = theme.back;
    g.fillRect(0, AXIS, GUTTER - 1, this.surface.height);
    this.drawNames(g, theme);
  }

  drawNames(g, theme) {
    g.font = MONO;
    g.textAlign = "right";
    g.fillStyle = theme.muted;
    this.run.rowNames.forEach((name, row) => g.fillText(name, GUTTER - 8, this.middle(row)));
  }
  drawRows(g, theme) {
    g.fillStyle = theme.line;
    for (const row of [...this.run.engineRow, this.run.rows])
      g.fillRect(GUTTER, this.top(row) - 1, this.surface.plot, 1);
  }

  drawCells(g, theme, view, from, to, marks) {
    const { run } = this;
    const width = this.surface.plot / view.span, gap = width > 8 ? 1 : 0.5;
    run.eachHole(from, to, (cycle, row, cause) => {
      g.fillStyle = hex(theme.tints[cause]);
      g.fillRect(this.x(cycle, view), this.top(row), width - gap, this.rowHeight - 1);
    });
    const [first, last] = run.range(from, to);
    for (let s = first; s < last; s++)
      if (run.core[s] === this.core) this.drawCell(g, s, this.x(run.cycle[s], view), width - gap);
    g.strokeStyle = theme.hit;
    g.lineWidth = 2;
    for (let s = first; s < last; s++)
      if (marks[s] && run.core[s] === this.core)
        g.strokeRect(this.x(run.cycle[s], view) + 1, this.top(run.row[s]) + 1, width - gap - 2, this.rowHeight - 3);
  }
  drawCell(g, slot, x, width) {
    const code = this.run.codes[this.run.code[slot]];
    const y = this.top(this.run.row[slot]);
    g.fillStyle = this.run.palette[this.run.shade[slot]];
    g.fillRect(x, y, width, this.rowHeight - 1);
    if (width < 22) return;
    const room = Math.floor((width - 6) / 6.4);
    const whole = room >= 9 ? this.run.text(slot) : code.texts[0].slice(0, room);
    g.font = MONO;
    g.textAlign = "left";
    g.fillStyle = this.run.inks[this.run.shade[slot]];
    g.fillText(whole.length > room ? `${whole.slice(0, room - 1)}…` : whole, x + 3, y + this.rowHeight / 2);
  }

  // The slot, what it comes after and what comes after it; everything else steps back.
  drawSelected(g, theme, view, { slot, before, after }) {
    const { run, surface } = this;
    g.globalAlpha = 0.6;
    g.fillStyle = theme.back;
    g.fillRect(GUTTER, AXIS, surface.plot, run.rows * this.rowHeight);
    g.globalAlpha = 1;
    const width = Math.max(surface.plot / view.span - 1, 3);
    g.save();
    g.beginPath();
    g.rect(GUTTER, AXIS, surface.plot, surface.height);
    g.clip();
    for (const edge of [...before, ...after])
      if (run.core[edge.slot] === this.core) this.drawCell(g, edge.slot, this.x(run.cycle[edge.slot], view), width);
    for (const edge of before) this.drawArrow(g, theme, view, edge.slot, slot, edge.kind, width);
    for (const edge of after) this.drawArrow(g, theme, view, slot, edge.slot, edge.kind, width);
    this.drawCell(g, slot, this.x(run.cycle[slot], view), width);
    g.strokeStyle = theme.ink;
    g.lineWidth = 2;
    g.strokeRect(this.x(run.cycle[slot], view) - 1, this.top(run.row[slot]) - 1, width + 2, this.rowHeight + 1);
    g.restore();
  }
  drawArrow(g, theme, view, from, to, kind, width) {
    const { run } = this;
    if (run.core[from] !== this.core || run.core[to] !== this.core) return;
    const x1 = this.x(run.cycle[from], view) + width, y1 = this.middle(run.row[from]);
    const x2 = this.x(run.cycle[to], view), y2 = this.middle(run.row[to]);
    const bend = Math.max(12, Math.min(Math.abs(x2 - x1) / 2, 80));
    g.strokeStyle = g.fillStyle = theme.kinds[kind];
    g.lineWidth = kind === KIND_VALUE ? 1.8 : 1;
    g.globalAlpha = kind === KIND_VALUE || kind === KIND_MEMORY ? 1 : 0.6;
    g.setLineDash(kind === KIND_VALUE ? [] : [4, 3]);
    g.beginPath();
    g.moveTo(x1, y1);
    g.bezierCurveTo(x1 + bend, y1, x2 - bend, y2, x2 - 4, y2);
    g.stroke();
    g.setLineDash([]);
    g.beginPath();
    g.moveTo(x2, y2);
    g.lineTo(x2 - 6, y2 - 3.5);
    g.lineTo(x2 - 6, y2 + 3.5);
    g.fill();
    g.globalAlpha = 1;
  }
}
