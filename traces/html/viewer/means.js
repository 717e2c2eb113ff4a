// The timeline where a pixel has room for a cycle or more: an image of one pixel a row and column.
//
// A column is as many whole cycles as come nearest to a pixel, the same ones wherever the view begins, so
// that panning does not flicker; its colours are the means of its cells. Of a very long run they are means of
// blocks of cycles, which are added up once.

const BLOCK = 8;

class Means {
  constructor(run) {
    this.run = run;
    this.image = document.createElement("canvas");
  }

  draw(g, timeline, theme, view, marks) {
    const { run } = this, { surface, core } = timeline;
    let each = Math.max(1, Math.ceil(view.span / (surface.plot * surface.ratio)));
    if (each > BLOCK) each = Math.ceil(each / BLOCK) * BLOCK;
    const first = Math.floor(Math.floor(view.start) / each);
    const end = Math.min(Math.ceil(view.start + view.span), run.cycles);
    const columns = { each, first, width: Math.ceil(end / each) - first };
    if (columns.width <= 0) return;
    const sums = each > BLOCK ? this.addBlocks(theme, core, columns) : this.addCells(theme, core, columns);
    this.mark(sums, theme, core, columns, marks);
    this.paint(sums, theme, columns);
    const left = timeline.x(first * each, view), right = timeline.x((first + columns.width) * each, view);
    g.imageSmoothingEnabled = false;
    for (let row = 0; row < run.rows; row++)
      g.drawImage(this.image, 0, row, columns.width, 1, left, timeline.top(row), right - left, timeline.rowHeight - 1);
  }

  // For every row and column the sum of its cells' colours, less the background's.
  addCells(theme, core, { each, first, width }) {
    const { run } = this;
    const sums = new Float32Array(width * run.rows * 3);
    const less = (colour) => colour.map((x, i) => x - rgb(theme.back)[i]);
    const palette = run.palette.map(rgb).map(less), tints = theme.tints.map(less);
    const add = (row, cycle, colour) => {
      const at = (row * width + Math.floor(cycle / each) - first) * 3;
      sums[at] += colour[0];
      sums[at + 1] += colour[1];
      sums[at + 2] += colour[2];
    };
    const from = first * each, to = Math.min((first + width) * each, run.cycles);
    const [begin, end] = run.range(from, to);
    for (let s = begin; s < end; s++)
      if (run.core[s] === core) add(run.row[s], run.cycle[s], palette[run.shade[s]]);
    run.eachHole(from, to, (cycle, row, cause) => add(row, cycle, tints[cause]));
    return sums;
  }

  addBlocks(theme, core, { each, first, width }) {
    const { run } = this, n = Math.ceil(run.cycles / BLOCK);
    const known = this.blocks;
    if (!known || known.theme !== theme || known.shade !== run.shade || known.core !== core) {
      const sums = this.addCells(theme, core, { each: BLOCK, first: 0, width: n });
      this.blocks = { theme, core, shade: run.shade, sums };
    }
    const { sums: blocks } = this.blocks, sums = new Float32Array(width * run.rows * 3), times = each / BLOCK;
    for (let row = 0; row < run.rows; row++)
      for (let b = first * times; b < Math.min((first + width) * times, n); b++) {
        const from = (row * n + b) * 3, to = (row * width + Math.floor(b / times) - first) * 3;
        for (let i = 0; i < 3; i++) sums[to + i] += blocks[from + i];
      }
    return sums;
  }

  // One slot that was searched for is enough to be seen.
  mark(sums, theme, core, { each, first, width }, marks) {
    const { run } = this, back = rgb(theme.back);
    const hit = rgb(theme.hit).map((x, i) => (x - back[i]) * each);
    const [begin, end] = run.range(first * each, (first + width) * each);
    for (let s = begin; s < end; s++) {
      if (!marks[s] || run.core[s] !== core) continue;
      const at = (run.row[s] * width + Math.floor(run.cycle[s] / each) - first) * 3;
      for (let i = 0; i < 3; i++) sums[at + i] = hit[i];
    }
  }

  paint(sums, theme, { each, width }) {
    const { rows } = this.run, back = rgb(theme.back);
    this.image.width = width;
    this.image.height = rows;
    const context = this.image.getContext("2d");
    const { data } = context.createImageData(width, rows);
    for (let i = 0, out = 0; i < width * rows * 3; i += 3, out += 4) {
      for (let k = 0; k < 3; k++) data[out + k] = back[k] + sums[i + k] / each;
      data[out + 3] = 255;
    }
    context.putImageData(new ImageData(data, width, rows), 0, 0);
  }
}
