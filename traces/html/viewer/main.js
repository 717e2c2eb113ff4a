// The page: state, what the user does, and when to draw.

class App {
  constructor(data) {
    this.runs = data.sides.map((side) => new Run(side, data.causes));
    this.view = new View(Math.max(...this.runs.map((run) => run.cycles)));
    this.divergence = data.divergence;
    this.selected = null; // {run, slot, before, after}
    this.byCause = true;
    this.query = "";
    this.found = new Map(this.runs.map((run) => [run, search(run, "")]));
    this.hit = -1;
    this.build();
    this.resize();
    this.chooseColours(this.runs.some((run) => run.codes.some((code) => code.noted)) ? "stage" : "operation");
    this.setTheme(this.systemTheme());
    this.showSummary();
    new ResizeObserver(() => this.resize()).observe(document.getElementById("charts"));
    this.listen();
  }

  build() {
    const title = this.runs.map((run) => run.title).join(" against ");
    document.title = `${title} – sheaf`;
    const heading = document.getElementById("title");
    this.runs.forEach((run, i) => heading.append(
      i ? element("span.quiet", {}, " against ") : "", element("b", {}, run.title), element("span.quiet", {},
        ` ${plural(run.cycles, "cycle")}${this.endOf(run)}`)));
    const charts = document.getElementById("charts");
    const overviews = element("section.card", { "aria-label": "overview" });
    const timelines = element("section.card", { "aria-label": "timeline" });
    charts.append(overviews, timelines);
    timelines.append(document.getElementById("bar"));
    this.charts = this.runs.map((run) => {
      const caption = (text) =>
        this.runs.length > 1 ? element("h2", {}, run.title, element("span.quiet", {}, text)) : null;
      const canvas = (what, hint) =>
        element("canvas", { tabindex: 0, role: "img", "aria-label": `${what} of ${run.title}. ${hint}` });
      const over = canvas("Use of engines over time", "The same figures are in the table of causes."),
        time = canvas("Timeline of slots", "Arrow keys move; search and the lists of a slot lead to every slot.");
      overviews.append(...[caption(` ${plural(run.cycles, "cycle")}`), element("div", {}, over)].filter((x) => x));
      timelines.append(...[caption(""), element("div", {}, time)].filter((x) => x));
      return { run, overview: new Overview(over, run), timeline: new Timeline(time, run) };
    });
    timelines.append(document.getElementById("legend"));
    this.buildCores();
    this.peak = Math.max(...this.runs.map((run) => run.live.reduce((most, words) => Math.max(most, words), 0)));
  }
  endOf(run) {
    const { end } = run.parts[run.parts.length - 1];
    return end === "stopped" ? "" : end === "faulted" ? ", then a fault" : ", a window of the run";
  }
  buildCores() {
    const cores = Math.max(...this.runs.map((run) => run.machine.cores));
    const select = document.getElementById("core");
    for (let core = 0; core < cores; core++) select.append(element("option", { value: core }, `core ${core}`));
    select.parentElement.hidden = cores < 2;
    select.addEventListener("change", () => this.showCore(Number(select.value)));
  }
  showCore(core) {
    document.getElementById("core").value = core;
    for (const { timeline } of this.charts) timeline.core = core;
    this.schedule();
  }

  // --- looks -----------------------------------------------------------------------

  systemTheme() {
    return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  }
  setTheme(name) {
    document.documentElement.dataset.theme = name;
    this.theme = readTheme();
    this.refresh();
    if (this.selected) this.showSelected();
  }
  chooseColours(by) {
    document.getElementById("colour").value = by;
    const legend = colourSlots(this.runs, by);
    const most = 14;
    document.getElementById("legend").replaceChildren(
      ...legend.slice(0, most).map(({ group, colour, count }) =>
        element("span", { title: plural(count, "slot") }, swatch(colour), group)),
      ...(legend.length > most ? [element("span.quiet", {}, `and ${legend.length - most} more`)] : []));
    this.schedule();
  }
  // The overviews anew.
  refresh() {
    for (const { overview } of this.charts) overview.fresh = false;
    this.schedule();
  }
  // Rows are as high as lets all of them be seen at once, within reason.
  resize() {
    for (const { overview } of this.charts) overview.resize();
    const others = this.charts.reduce((sum, { overview }) => sum + overview.surface.height + AXIS + 40, 190);
    const rows = this.runs.reduce((sum, run) => sum + run.rows, 0);
    const row = Math.min(Math.max(Math.floor((window.innerHeight - others) / rows), 11), 20);
    for (const { timeline } of this.charts) timeline.resize(row);
    this.schedule();
  }

  // --- drawing ---------------------------------------------------------------------

  schedule() {
    if (!this.pending) this.pending = requestAnimationFrame(() => this.frame());
  }
  frame() {
    this.pending = 0;
    for (const { run, overview, timeline } of this.charts) {
      overview.draw(this.theme, this.view, { hits: this.found.get(run).list, byCause: this.byCause, peak: this.peak });
      timeline.draw(this.theme, this.view, this);
    }
    const { start, span } = this.view;
    document.getElementById("range").textContent = this.runs[0].rangeText(start, start + span);
    clearTimeout(this.later);
    this.later = setTimeout(() => this.showCauses(), 120);
  }
  showCauses() {
    this.later = 0;
    document.getElementById("causes").replaceChildren(...causeTable(this.runs, this.view, this.theme));
  }

  // --- the panel -------------------------------------------------------------------

  showTab(name) {
    for (const tab of document.querySelectorAll("[role=tab]")) {
      const on = tab.id === `tab-${name}`;
      tab.setAttribute("aria-selected", on);
      tab.tabIndex = on ? 0 : -1;
      document.getElementById(tab.getAttribute("aria-controls")).hidden = !on;
    }
  }
  showSummary() {
    document.getElementById("tables").replaceChildren(...summary(this.runs, this));
    this.showTab("summary");
  }
  showSelected() {
    const details = slotDetails(this, this.selected, this.theme);
    document.getElementById("slot").replaceChildren(...details);
  }
  say(text) {
    document.getElementById("status").textContent = text;
  }

  // --- slots -----------------------------------------------------------------------

  select(run, slot, look = true) {
    this.selected = { run, slot, before: run.before(slot), after: run.after(slot) };
    if (look) this.view.show(run.cycle[slot]);
    if (run.machine.cores > 1) this.showCore(run.core[slot]);
    this.showSelected();
    this.showTab("slot");
    this.say(`${run.place(slot)}, ${run.cycleText(run.cycle[slot])}: ${run.text(slot)}; comes after ` +
      `${plural(this.selected.before.length, "slot")}, ${plural(this.selected.after.length, "slot")} wait for it`);
    this.schedule();
  }
  unselect() {
    this.selected = null;
    document.getElementById("slot").replaceChildren(element("p.quiet", {}, "Click a slot in the timeline."));
    this.showTab("summary");
    this.schedule();
  }
  // The nearest slot in a direction from the chosen one: along its row, or in its cycle.
  step(cycles, rows) {
    const { run, slot } = this.selected, core = run.core[slot];
    let cycle = run.cycle[slot], row = run.row[slot];
    for (;;) {
      cycle += cycles;
      row += rows;
      if (cycle < 0 || cycle >= run.cycles || row < 0 || row >= run.rows) return;
      const next = run.slotAt(cycle, row, core);
      if (next >= 0) {
        this.select(run, next);
        return;
      }
    }
  }
  // A link of a chain in the profile: the slot with that text.
  goTo(run, link, start) {
    const cycle = link.cycle - run.partOf(start).first_cycle + start;
    const [first, last] = run.range(cycle, cycle + 1);
    for (let slot = first; slot < last; slot++)
      if (link.text.startsWith(run.text(slot)) && run.engines[run.codes[run.code[slot]].engine] === link.engine) {
        this.select(run, slot);
        return;
      }
  }
  showCycles(from, to) {
    const margin = Math.max(2, (to - from) * 0.05);
    this.view.set(from - margin, to - from + 2 * margin);
    this.schedule();
  }

  // --- search ----------------------------------------------------------------------

  find(query) {
    this.query = query.trim();
    this.hit = -1;
    for (const run of this.runs) this.found.set(run, search(run, this.query));
    const total = this.hitCount();
    document.getElementById("count").textContent = this.query ? plural(total, "slot") : "";
    document.getElementById("hits").replaceChildren(...hitList(this));
    if (this.query) this.showTab("search");
    this.refresh();
  }
  hitCount() {
    return this.runs.reduce((sum, run) => sum + this.found.get(run).list.length, 0);
  }
  nextHit(by) {
    const total = this.hitCount();
    if (!total) return;
    this.hit = (this.hit + by + (this.hit < 0 && by < 0 ? 1 : 0) + total) % total;
    let rest = this.hit;
    for (const run of this.runs) {
      const { list } = this.found.get(run);
      if (rest < list.length) {
        this.select(run, list[rest]);
        document.getElementById("count").textContent = `${decimal(this.hit + 1)} of ${decimal(total)}`;
        return;
      }
      rest -= list.length;
    }
  }
}
