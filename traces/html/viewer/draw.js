// Everything that is painted: the overview (strip of engines, liveness) and the timeline of slots.

const TABLEAU = [
  "#4e79a7", "#f28e2b", "#59a14f", "#b07aa1", "#e15759", "#76b7b2", "#d4b43c", "#9c755f", "#e58ba0", "#6f8f3a",
];
const GUTTER = 58; // names of rows
const AXIS = 20;
const STRIP_ROW = 15;
const LIVE = 36;
const TEXT = "11px ui-sans-serif, system-ui, sans-serif";
const MONO = "10.5px ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace";

// The page's colours, as the style sheet has them for the scheme in use.
function readTheme() {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(`--${name}`).trim();
  const causes = ["missed", "scratch", "order", "ready-later", "none"].map((cause) => colour(`cause-${cause}`));
  return {
    causes,
    // Of empty slots in the timeline: what is there counts for more than what is not.
    tints: causes.map((cause) => mix(rgb(colour("panel")), rgb(cause), 0.2)),
    back: colour("panel"), ink: colour("ink"), muted: colour("muted"), line: colour("line"), accent: colour("accent"),
    used: colour("used"), hit: colour("hit"), live: colour("live"),
    kinds: ["value", "used", "written", "mem", "mem", "mem", "jump"].map((kind) => colour(`edge-${kind}`)),
  };
}

// "#rrggbb" and its three parts.
function rgb(colour) {
  const n = parseInt(colour.slice(1), 16);
  return [n >> 16, (n >> 8) & 255, n & 255];
}
const hex = (parts) => `#${parts.map((x) => Math.round(x).toString(16).padStart(2, "0")).join("")}`;

// What is readable on a colour.
const inkOn = (colour) => {
  const [r, g, b] = rgb(colour);
  return 0.3 * r + 0.6 * g + 0.1 * b > 150 ? "#14181c" : "#ffffff";
};

const mix = (a, b, share) => a.map((x, i) => x * (1 - share) + b[i] * share);

// Numbers in the colours of viridis (Smith and van der Walt), without its ends.
const RAMP = ["#46327e", "#365c8d", "#277f8e", "#1fa187", "#4ac16d", "#a0da39"];

function rampOf(n) {
  return Array.from({ length: n }, (_, i) => ramp(i / Math.max(n - 1, 1)));
}
function ramp(share) {
  const at = share * (RAMP.length - 1), i = Math.min(Math.floor(at), RAMP.length - 2);
  return hex(mix(rgb(RAMP[i]), rgb(RAMP[i + 1]), at - i));
}

// How slots may be told apart: the group of each slot of the program, and the groups' names.
const COLOURINGS = {
  stage: (run, code) => code.stage || "(control)",
  operation: (run, code) => code.texts[0],
  round: (run, code) => (code.noted && code.strand >= 0 ? `round ${code.round}` : "(shared)"),
  strand: (run, code) => (code.noted && code.strand >= 0 ? `strand ${code.strand}` : "(shared)"),
};

// Sets the shade of every slot, an index into run.palette, alike in all runs for groups of one name.
// The legend: the most frequent first, or by number.
function colourSlots(runs, by) {
  const count = new Map();
  for (const run of runs) {
    for (const code of run.codes) code.group = COLOURINGS[by](run, code);
    for (let i = 0; i < run.n; i++) {
      const { group } = run.codes[run.code[i]];
      count.set(group, (count.get(group) ?? 0) + 1);
    }
  }
  const plain = (group) => group.startsWith("(");
  const numbered = by === "round" || by === "strand";
  const numberOf = (group) => parseInt(group.split(" ")[1], 10);
  const groups = [...count.keys()].sort((a, b) =>
    plain(a) - plain(b) || (numbered ? numberOf(a) - numberOf(b) : count.get(b) - count.get(a)));
  const coloured = groups.filter((group) => !plain(group)).length;
  const palette = numbered ? rampOf(Math.min(coloured, 64)) : [...TABLEAU];
  const shades = new Map(groups.map((group, i) => [group,
    plain(group) ? palette.length : numbered ? Math.floor((i * palette.length) / coloured) : i % palette.length]));
  palette.push("#9aa0a6");
  for (const run of runs) {
    run.palette = palette;
    run.inks = run.palette.map(inkOn);
    run.shade = new Uint8Array(run.n);
    for (let i = 0; i < run.n; i++) run.shade[i] = shades.get(run.codes[run.code[i]].group);
  }
  return groups.map((group) => ({ group, colour: palette[shades.get(group)], count: count.get(group) }));
}

// The cycles that are shown: shared by all runs.
class View {
  constructor(cycles) {
    this.cycles = Math.max(cycles, 1);
    this.fit();
  }
  fit() {
    this.set(0, this.cycles);
  }
  // At least four cycles; never beyond either end.
  set(start, span) {
    this.span = Math.min(Math.max(span, Math.min(4, this.cycles)), this.cycles);
    this.start = Math.min(Math.max(start, 0), this.cycles - this.span);
  }
  zoom(factor, at) {
    const span = Math.min(Math.max(this.span * factor, Math.min(4, this.cycles)), this.cycles);
    this.set(at - ((at - this.start) * span) / this.span, span);
  }
  pan(cycles) {
    this.set(this.start + cycles, this.span);
  }
  show(cycle) {
    if (cycle < this.start + 1 || cycle > this.start + this.span - 2) this.set(cycle + 0.5 - this.span / 2, this.span);
  }
}

// A canvas as wide as its column, in device pixels; drawn in CSS pixels.
class Surface {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
  }
  resize(height) {
    this.height = height;
    this.ratio = window.devicePixelRatio || 1;
    this.width = Math.max(this.canvas.parentElement.clientWidth, 200);
    this.canvas.style.height = `${this.height}px`;
    this.canvas.width = Math.round(this.width * this.ratio);
    this.canvas.height = Math.round(this.height * this.ratio);
    this.plot = this.width - GUTTER;
  }
  // The nearest edge of a pixel, so that neighbours have no seam.
  snap(x) {
    return Math.round(x * this.ratio) / this.ratio;
  }
  begin(theme) {
    const g = this.context;
    g.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    g.fillStyle = theme.back;
    g.fillRect(0, 0, this.width, this.height);
    g.textBaseline = "middle";
    g.font = TEXT;
    return g;
  }
}

// Steps of 1, 2, 5, 10, ... cycles that leave room for their numbers.
function axisStep(span, width) {
  const least = (span * 70) / width;
  let step = 10 ** Math.floor(Math.log10(Math.max(least, 1)));
  for (const times of [1, 2, 5, 10]) if (step * times >= least) return Math.max(1, step * times);
  return step * 10;
}

function drawAxis(g, surface, theme, run, start, span, y) {
  const step = axisStep(span, surface.plot);
  g.font = TEXT;
  g.textAlign = "left";
  for (let c = Math.ceil(start / step) * step; c < start + span; c += step) {
    const x = GUTTER + ((c - start) / span) * surface.plot;
    g.fillStyle = theme.line;
    g.fillRect(Math.round(x), y + AXIS - 6, 1, 6);
    g.fillStyle = theme.muted;
    const text = run.axisCycle(c).toLocaleString("en");
    if (x + 4 + 7 * text.length < surface.width) g.fillText(text, x + 4, y + AXIS / 2);
  }
}

// The strip: for each engine what its slots were, in as many columns as there are pixels.
function paintStrip(g, surface, theme, run, cycles, byCause) {
  const columns = Math.min(Math.floor(surface.plot * surface.ratio), run.cycles);
  const scale = surface.plot / cycles, kinds = run.causes.length + 1;
  g.textAlign = "right";
  g.fillStyle = theme.muted;
  run.engines.forEach((engine, e) => g.fillText(engine, GUTTER - 8, (e + 0.5) * STRIP_ROW));
  for (let k = 0; k < columns; k++) {
    const from = Math.floor((k * run.cycles) / columns), to = Math.floor(((k + 1) * run.cycles) / columns);
    const x = surface.snap(GUTTER + from * scale), width = surface.snap(GUTTER + to * scale) - x;
    const count = run.count(from, to);
    run.engines.forEach((engine, e) => {
      const all = run.machine.slots[engine] * run.machine.cores * (to - from);
      if (!all) return;
      const parts = count.subarray(e * kinds, (e + 1) * kinds);
      if (byCause) paintColumn(g, theme, parts, all, x, e * STRIP_ROW, width);
      else paintUse(g, theme, parts[0] / all, x, e * STRIP_ROW, width);
    });
  }
}

function paintColumn(g, theme, parts, all, x, y, width) {
  const height = STRIP_ROW - 2;
  let bottom = y + height;
  parts.forEach((count, i) => {
    const part = (height * count) / all;
    g.fillStyle = i ? theme.causes[i - 1] : theme.used;
    g.fillRect(x, bottom - part, width, part);
    bottom -= part;
  });
}

function paintUse(g, theme, share, x, y, width) {
  g.globalAlpha = 0.06 + 0.94 * share;
  g.fillStyle = theme.accent;
  g.fillRect(x, y, width, STRIP_ROW - 2);
  g.globalAlpha = 1;
}

function paintLive(g, surface, theme, run, cycles, y, peak) {
  const scale = surface.plot / cycles;
  const columns = Math.min(Math.floor(surface.plot), run.cycles);
  g.beginPath();
  g.moveTo(GUTTER, y + LIVE);
  for (let k = 0; k < columns; k++) {
    const from = Math.floor((k * run.cycles) / columns), to = Math.floor(((k + 1) * run.cycles) / columns);
    let most = 0;
    for (let c = from; c < to; c++) most = Math.max(most, run.live[c]);
    const height = peak ? ((LIVE - 4) * most) / peak : 0;
    g.lineTo(GUTTER + from * scale, y + LIVE - height);
    g.lineTo(GUTTER + to * scale, y + LIVE - height);
  }
  g.lineTo(GUTTER + run.cycles * scale, y + LIVE);
  g.closePath();
  g.globalAlpha = 0.25;
  g.fillStyle = theme.live;
  g.fill();
  g.globalAlpha = 1;
  g.strokeStyle = theme.live;
  g.lineWidth = 1;
  g.stroke();
  g.fillStyle = theme.muted;
  g.textAlign = "right";
  g.fillText("words", GUTTER - 8, y + LIVE / 2);
}

// Where programs follow one another: where each begins, and its name if there is room.
function paintParts(g, surface, theme, run, cycles, y) {
  const scale = surface.plot / cycles;
  g.textAlign = "left";
  for (const part of run.parts) {
    const x = surface.snap(GUTTER + part.start * scale);
    g.fillStyle = theme.ink;
    g.fillRect(x, 0, 1, y + LIVE);
    if (g.measureText(part.name).width + 8 < part.cycles * scale) g.fillText(part.name, x + 5, y + 7);
  }
}

// The whole run, with the cycles that the timeline shows marked. The picture itself is painted once.
class Overview {
  constructor(canvas, run) {
    this.run = run;
    this.strip = run.engines.length * STRIP_ROW;
    this.surface = new Surface(canvas);
    this.picture = document.createElement("canvas");
  }
  resize() {
    this.surface.resize(this.strip + 4 + LIVE + AXIS);
    this.fresh = false;
  }
  repaint(theme, cycles, { byCause, peak, hits }) {
    const { surface, run } = this;
    const g = surface.begin(theme);
    paintStrip(g, surface, theme, run, cycles, byCause);
    paintLive(g, surface, theme, run, cycles, this.strip + 4, peak);
    if (run.parts.length > 1) paintParts(g, surface, theme, run, cycles, this.strip + 4);
    drawAxis(g, surface, theme, run, 0, cycles, this.strip + 4 + LIVE);
    const scale = surface.plot / cycles;
    g.fillStyle = theme.hit;
    for (const slot of hits) g.fillRect(GUTTER + run.cycle[slot] * scale, 0, Math.max(1, Math.min(scale, 2)), 4);
    this.picture.width = surface.canvas.width;
    this.picture.height = surface.canvas.height;
    this.picture.getContext("2d").drawImage(surface.canvas, 0, 0);
    this.fresh = true;
  }
  draw(theme, view, state) {
    const { surface } = this;
    if (!this.fresh) this.repaint(theme, view.cycles, state);
    const g = surface.context;
    g.setTransform(1, 0, 0, 1, 0, 0);
    g.drawImage(this.picture, 0, 0);
    g.setTransform(surface.ratio, 0, 0, surface.ratio, 0, 0);
    const height = this.strip + 4 + LIVE, scale = surface.plot / view.cycles;
    if (view.span >= view.cycles) return;
    const left = GUTTER + view.start * scale, width = Math.max(2, view.span * scale);
    g.globalAlpha = 0.62;
    g.fillStyle = theme.back;
    g.fillRect(GUTTER, 0, left - GUTTER, height);
    g.fillRect(left + width, 0, surface.width - left - width, height);
    g.globalAlpha = 1;
    g.strokeStyle = theme.ink;
    g.lineWidth = 1;
    g.strokeRect(Math.round(left) + 0.5, 0.5, Math.round(width), height);
  }
}
