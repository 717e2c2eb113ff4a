// The side panel: tables of the profile, the chosen slot, what was searched for. Text of the programs
// only ever becomes text nodes.

// element("button.quiet", {title: "..."}, "text", other...)
function element(kind, attributes, ...children) {
  const [tag, ...classes] = kind.split(".");
  const node = document.createElement(tag);
  if (classes.length) node.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined) node.setAttribute(key, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

const decimal = (n, digits = 1) => n.toLocaleString("en", { maximumFractionDigits: digits });
const percent = (share) => `${(100 * share).toFixed(1)} %`;
const plural = (n, what) => `${decimal(n)} ${what}${n === 1 ? "" : "s"}`;

// Ratios need more of them than cycles.
const digitsOf = (value) => (Math.abs(value) < 10 ? 3 : 1);

function shown(value) {
  if (value === null || value === undefined) return "–";
  return typeof value === "number" ? decimal(value, digitsOf(value)) : String(value);
}

// A table whose first column names the row; the others are figures.
function table(caption, heads, rows) {
  const cell = (value, i) =>
    element(i ? "td.n" : "th", i ? {} : { scope: "row" }, value instanceof Node ? value : shown(value));
  const out = element("table", {}, element("caption", {}, caption));
  if (heads)
    out.append(element("thead", {}, element("tr", {}, ...heads.map((head, i) =>
      element(i ? "th.n" : "th", { scope: "col", title: typeof head === "string" ? head : null }, head)))));
  out.append(element("tbody", {}, ...rows.map((row) => element("tr", {}, ...row.map(cell)))));
  return element("div.table", {}, out);
}

// The same figures of one or two runs, with the change.
function compared(caption, profiles, names, rows) {
  const two = profiles.length > 1;
  const change = (a, b) => {
    if (typeof a !== "number" || typeof b !== "number") return "";
    const d = b - a;
    return d === 0 ? "=" : `${d > 0 ? "+" : "−"}${decimal(Math.abs(d), digitsOf(d))}`;
  };
  const lines = rows.map(([name, of]) => {
    const values = profiles.map(of);
    return two ? [name, ...values, change(values[0], values[1])] : [name, ...values];
  });
  const filled = lines.filter((line) => line.slice(1, 1 + profiles.length).some((v) => v !== null && v !== undefined));
  return filled.length ? table(caption, two ? ["", ...names, "change"] : null, filled) : null;
}

const swatch = (colour) => element("i.swatch", { style: `background:${colour}` });

// Slots by what they were used for, for the cycles in view; it has to be quick.
function causeTable(runs, view, theme) {
  const from = Math.floor(view.start), to = Math.ceil(view.start + view.span);
  const out = [];
  for (const run of runs) {
    const count = run.count(from, to), kinds = run.causes.length + 1;
    const cycles = Math.max(0, Math.min(to, run.cycles) - from);
    const room = run.engines.map((engine) => cycles * run.machine.slots[engine] * run.machine.cores);
    const used = run.engines.map((_, e) => (room[e] ? percent(count[e * kinds] / room[e]) : "–"));
    const rows = [[element("span", {}, swatch(theme.used), "used"), ...used], ...run.causes.map((cause, k) => [
      element("span", {}, swatch(theme.causes[k]), cause), ...run.engines.map((_, e) => count[e * kinds + 1 + k])])];
    const what = view.span >= view.cycles ? "all cycles" : run.rangeText(from, Math.min(to, run.cycles));
    const of = runs.length > 1 ? `: ${run.title}` : "";
    out.push(table(`Empty slots by cause, ${what}${of}`, ["", ...run.engines], rows));
  }
  return out;
}

// The same of all cycles, with the change.
function causeChanges(profiles, names, engines, causes) {
  if (profiles.length < 2) return null;
  const rows = engines.flatMap((engine) => [
    [`${engine} used`, (p) => p.engines[engine]?.used],
    ...causes.map((cause) => [`${engine} ${cause}`, (p) => p.holes[engine]?.[cause]])]);
  return element("details", {},
    element("summary", {}, "Slots used and empty, compared"), compared("", profiles, names, rows));
}

function boundTables(profiles, names, engines) {
  const bounds = [
    ["cycles", (p) => p.cycles],
    ["bound", (p) => p.bound],
    ["cycles / bound", (p) => p.ratio],
    ["work", (p) => p.bounds.work],
    ["chain of values (dep)", (p) => p.bounds.dep],
    ["compulsory words (io)", (p) => p.bounds.io],
    ["the same words reused", (p) => p.bounds.words],
    ["builder, engines free", (p) => p.bounds.builder],
    ...engines.map((engine) => [`work of ${engine}`, (p) => p.bounds.work_by_engine[engine]]),
  ];
  const whatIf = [
    ["as it is", "as_it_is"], ["words of their own", "renamed"], ...engines.map((e) => [`one more ${e} slot`, e])];
  return [
    compared("Cycles and bounds", profiles, names, bounds),
    compared("Cycles of a list schedule of the same slots", profiles, names,
      whatIf.map(([name, key]) => [name, (p) => p.what_if[key]?.list_schedule])),
  ];
}

// Whom operations that are not ready wait for, of all cycles.
function waitTables(profiles, names) {
  return profiles.map((p, i) => {
    const rows = Object.entries(p.waits_for).filter(([, producers]) => Object.values(producers).some((n) => n > 0));
    if (!rows.length) return null;
    const of = profiles.length > 1 ? `: ${names[i]}` : "";
    return table(`Ready-later: the engine that is waited for${of}`, ["", ...Object.keys(rows[0][1])],
      rows.map(([engine, producers]) => [engine, ...Object.values(producers)]));
  });
}

function gapTable(profiles, names, causes) {
  if (!profiles.some((p) => p.gap)) return null;
  const over = ({ gap }) => (gap ? `${plural(gap.cycles, "cycle")} over the bound of ${gap.of}` : "");
  const about = profiles.map(over).join("; ");
  const unit = profiles.find((p) => p.gap).gap.units > 1 ? "in slots" : "in cycles";
  return compared(`${about}, ${unit}`, profiles, names,
    [...causes, "full", "rounding"].map((key) => [key, (p) => p.gap?.[key]]));
}

function whereTable(profiles, names, go) {
  return profiles.map((p, i) => p.where.rows.length ? table(
    `Where, by ${p.where.by}${profiles.length > 1 ? `: ${names[i]}` : ""}`, ["", "share", "cycles", "first", "last"],
    p.where.rows.map((row) => [
      element("button.link", { onclick: () => go(row.first - p.first_cycle, row.last - p.first_cycle + 1) }, row.name),
      `${row.percent.toFixed(1)} %`, row.cycles, row.first, row.last])) : null);
}

function memoryTables(profiles, names) {
  const loads = ["same_vector", "same_window", "same_round", "at_all"].map((key) => [
    `repeated, ${key.replace(/_/g, " ")}`, (p) => p.loads[key]?.repeated]);
  return [
    compared("Scratch words in use", profiles, names, [
      ["most at once", (p) => p.scratch.peak],
      ["in cycle", (p) => p.scratch.peak_cycle],
      ["on average", (p) => p.scratch.mean],
      ["touched at all", (p) => p.scratch.touched]]),
    compared("Loads", profiles, names, [
      ["gathers", (p) => p.loads.gathers],
      ["vectors", (p) => p.loads.vectors],
      ["constants", (p) => p.loads.constants], ...loads]),
  ];
}

// Of each program by itself.
function detailTables(profile, name, many) {
  const of = many ? `: ${name}` : "";
  const { rounds } = profile.loads, { hot } = profile.scratch;
  return [
    rounds.length ? table(`Gathers by round${of}`, ["round", "loads", "repeated", "share"], rounds.map((row) =>
      [String(row.round), row.loads, row.repeated, percent(row.repeated / Math.max(row.loads, 1))])) : null,
    hot.length ? table(`Words most used${of}`, ["", "reads", "writes"],
      hot.map((row) => [row.name, row.reads, row.writes])) : null,
  ];
}

// The first value that one run computes and the other does not.
function divergenceNote(app) {
  const { divergence } = app;
  if (!divergence) return null;
  if (!divergence.found)
    return element("p", {}, `All ${plural(divergence.compared, "write")} that can be compared, by ${divergence.by}, agree.`);
  const side = (run, at) => {
    if (!at) return element("li", {}, `${run.title}: no such write`);
    const go = () => app.select(run, run.parts[divergence.part].firstSlot + at.slot);
    return element("li", {}, `${run.title}: `, element("button.link", { onclick: go }, decimal(at.value)));
  };
  return element("section", {}, element("h2", {}, "Where they diverge"),
    element("p", {}, `Write ${decimal(divergence.nth)} to ${divergence.place} (compared: ${divergence.by})`),
    element("ul.plain", {}, side(app.runs[0], divergence.a), side(app.runs[1], divergence.b)));
}

function adviceList(profile, name, many) {
  return element("section", {},
    element("h2", {}, many ? `What holds ${name} back: ` : "What holds it back: ", element("b", {}, profile.class)),
    element("p", {}, profile.why),
    profile.advice.length ? element("ol.advice", {}, ...profile.advice.map((item) => element("li", {},
      element("span.saving", { title: "cycles this would save at most" }, `−${decimal(item.saving)}`),
      element("span", {}, item.text)))) : null);
}

function chainList(profile, name, many, go) {
  if (!profile.chain.length) return null;
  const of = many ? `, ${name}` : "";
  return element("details", {},
    element("summary", {}, `The longest chain of values${of}: ${plural(profile.bounds.dep, "cycle")}`),
    element("ol.chain", {}, ...profile.chain.map((link) => element("li", {},
      element("button.row", { onclick: () => go(link) },
        element("span.n", {}, decimal(link.cycle)), element("code", {}, `${link.engine}  ${link.text}`))))),
    profile.chain.length < profile.bounds.dep ? element("p.quiet", {}, "and so on") : null);
}

// Each part of a side has a profile of its own.
function summary(runs, app) {
  const out = [divergenceNote(app)];
  const parts = Math.max(...runs.map((run) => run.parts.length));
  for (let i = 0; i < parts; i++) {
    const of = runs.filter((run) => run.parts[i]);
    const profiles = of.map((run) => run.parts[i].profile), names = of.map((run) => run.title);
    const many = of.length > 1;
    if (parts > 1) out.push(element("h1", {}, of[0].parts[i].name));
    const start = (k) => of[k].parts[i].start;
    out.push(
      ...profiles.map((p, k) => adviceList(p, names[k], many)),
      causeChanges(profiles, names, of[0].engines, of[0].causes),
      ...boundTables(profiles, names, of[0].engines),
      gapTable(profiles, names, of[0].causes),
      ...waitTables(profiles, names),
      ...whereTable(profiles, names, (from, to) => app.showCycles(from + start(0), to + start(0))),
      ...memoryTables(profiles, names),
      ...profiles.flatMap((p, k) => detailTables(p, names[k], many)),
      ...profiles.map((p, k) => chainList(p, names[k], many, (link) => app.goTo(of[k], link, start(k)))));
  }
  return out.filter((node) => node);
}

// --- one slot ---------------------------------------------------------------------

const hexadecimal = (value) => `0x${value.toString(16).padStart(8, "0")}`;

function valueCells(values) {
  return element("span.values", {}, ...values.map((value) => value === null
    ? element("span", { title: "written before the recorded cycles" }, "?")
    : element("span", { title: hexadecimal(value) }, String(value))));
}

function noteOf(run, slot) {
  const code = run.codes[run.code[slot]];
  if (!code.noted) return [];
  const out = [["stage", code.stage]];
  if (code.strand >= 0) out.push(["round", String(code.round)], ["strand", String(code.strand)]);
  if (code.value) out.push(["computes", code.word ? `${code.value}+${code.word}` : code.value]);
  return out;
}

function wordName(edge) {
  return edge.kind === KIND_JUMP ? "" : edge.kind >= KIND_MEMORY ? `m[${edge.word}]` : `word ${edge.word}`;
}

function edgeList(app, run, edges, direction, theme) {
  const nearest = direction === "from" ? (a, b) => b.slot - a.slot : (a, b) => a.slot - b.slot;
  const sorted = [...edges].sort((a, b) => a.kind - b.kind || nearest(a, b));
  return element("ul.edges", {}, ...sorted.map((edge) => element("li", {},
    element("button.row", {
      onclick: () => app.select(run, edge.slot), "data-slot": edge.slot, "data-kind": edge.kind,
      title: `${KINDS[edge.kind][direction]} ${wordName(edge)}`.trim(),
    },
    element("i.kind", { style: `border-color:${theme.kinds[edge.kind]}` }),
    element("span.n", {}, decimal(run.cycleName(run.cycle[edge.slot]))),
    element("span.place", {}, run.place(edge.slot)),
    element("code", {}, run.text(edge.slot)),
    element("span.what", {}, KINDS[edge.kind].name)))));
}

// What kept the slot from an earlier cycle.
const READY = [
  "its operands are there", "the words that it writes are no longer read", "the order of writes and memory allows it",
];

function timing(run, slot) {
  const slack = [...run.slack.subarray(slot * SLACKS, (slot + 1) * SLACKS)];
  const least = Math.min(...slack), at = run.cycle[slot];
  if (at - least <= run.partOf(at).start) return "It waits for nothing: it could be in any earlier cycle.";
  const since = `From cycle ${decimal(run.cycleName(at - least))} on ${READY[slack.indexOf(least)]}; `;
  return since + (least ? `it is issued ${plural(least, "cycle")} later.` : "it is issued at once.");
}

function slotDetails(app, { run, slot, before, after }, theme) {
  const code = run.codes[run.code[slot]];
  const line = (name, value) => [element("dt", {}, name), element("dd", {}, value)];
  const issued = `${run.cycleText(run.cycle[slot])}, ${run.place(slot)}, bundle ${decimal(run.bundle[slot])}`;
  const facts = [["issued", issued], ...noteOf(run, slot)], stores = code.access === ACCESS_STORE;
  if (code.access >= ACCESS_LOAD) {
    const words = run.words[slot], first = run.address[slot];
    facts.push([stores ? "stores to" : "loads from", words > 1 ? `m[${first} … ${first + words - 1}]` : `m[${first}]`]);
  }
  const values = [];
  if (code.access !== ACCESS_NONE && run.words[slot])
    values.push(line(stores ? "stores" : `writes ${code.texts[1]}`, valueCells([...run.written(slot)])));
  for (const read of code.reads)
    values.push(line(`reads ${code.texts[read.operand + 1]}`,
      valueCells(run.readValues(slot, read).map(({ value }) => value))));
  return [
    element("h2.code", {}, run.text(slot)),
    app.runs.length > 1 ? element("p.quiet", {}, run.title) : null,
    element("dl", {}, ...facts.flatMap(([name, value]) => line(name, value)), ...values.flat()),
    element("p", {}, timing(run, slot)),
    element("h3", {}, `Comes after ${plural(before.length, "slot")}`),
    edgeList(app, run, before, "from", theme),
    element("h3", {}, `Is waited for by ${plural(after.length, "slot")}`),
    edgeList(app, run, after, "to", theme),
  ].filter((node) => node);
}

// --- a search ----------------------------------------------------------------------

const SHOWN_HITS = 300;

function hitList(app) {
  if (!app.query) return [element("p.quiet", {}, "Nothing searched for.")];
  const out = [];
  for (const run of app.runs) {
    const { list } = app.found.get(run);
    if (app.runs.length > 1) out.push(element("h3", {}, `${run.title}: ${plural(list.length, "slot")}`));
    out.push(element("ul.edges", {}, ...Array.from(list.slice(0, SHOWN_HITS), (slot) => element("li", {},
      element("button.row", { onclick: () => app.select(run, slot), "data-slot": slot },
        element("span.n", {}, decimal(run.cycleName(run.cycle[slot]))),
        element("span.place", {}, run.place(slot)),
        element("code", {}, run.text(slot)))))));
    if (list.length > SHOWN_HITS) out.push(element("p.quiet", {}, `and ${decimal(list.length - SHOWN_HITS)} more`));
  }
  return out;
}
