// What the user does with mouse and keys.

Object.assign(App.prototype, {
  listen() {
    for (const chart of this.charts) {
      this.listenOverview(chart);
      this.listenTimeline(chart);
    }
    const on = (id, event, act) => document.getElementById(id).addEventListener(event, act);
    on("find", "input", (event) => this.find(event.target.value));
    on("find", "keydown", (event) => {
      if (event.key === "Enter") this.nextHit(event.shiftKey ? -1 : 1);
    });
    on("next", "click", () => this.nextHit(1));
    on("previous", "click", () => this.nextHit(-1));
    on("in", "click", () => this.zoom(1 / 1.6));
    on("out", "click", () => this.zoom(1.6));
    on("fit", "click", () => this.fit());
    on("colour", "change", (event) => this.chooseColours(event.target.value));
    on("strip", "change", (event) => {
      this.byCause = event.target.value === "causes";
      this.refresh();
    });
    on("theme", "click", () => this.setTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark"));
    on("help", "click", () => document.getElementById("keys").showModal());
    for (const tab of document.querySelectorAll("[role=tab]"))
      tab.addEventListener("click", () => this.showTab(tab.id.slice("tab-".length)));
    document.querySelector("[role=tablist]").addEventListener("keydown", (event) => this.tabKey(event));
    document.addEventListener("keydown", (event) => this.key(event));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.setTheme(this.systemTheme()));
  },

  zoom(factor, at = this.view.start + this.view.span / 2) {
    this.view.zoom(factor, at);
    this.schedule();
  },
  fit() {
    this.view.fit();
    this.schedule();
  },

  // Dragging shows another part of the run, by its middle.
  listenOverview({ run, overview }) {
    const { canvas } = overview.surface;
    const cycleAt = (event) => ((event.offsetX - GUTTER) / overview.surface.plot) * this.view.cycles;
    const look = (event) => {
      this.view.set(cycleAt(event) - this.view.span / 2, this.view.span);
      this.schedule();
    };
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      look(event);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (event.buttons & 1) look(event);
      else this.showTip(event, this.cycleTip(run, Math.floor(cycleAt(event))));
    });
    canvas.addEventListener("pointerleave", () => this.hideTip());
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.zoom(Math.exp(event.deltaY * 0.0015));
    }, { passive: false });
  },

  // Dragging pans, a click chooses, the wheel zooms where the mouse is.
  listenTimeline({ run, timeline }) {
    const { canvas } = timeline.surface;
    let drag = null;
    const cycleAt = (x) => this.view.start + ((x - GUTTER) / timeline.surface.plot) * this.view.span;
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      drag = { x: event.offsetX, start: this.view.start, moved: false };
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!drag) {
        this.hover(run, timeline, event);
        return;
      }
      const d = event.offsetX - drag.x;
      drag.moved = drag.moved || Math.abs(d) > 3;
      if (!drag.moved) return;
      this.hideTip();
      canvas.classList.add("dragging");
      this.view.set(drag.start - (d * this.view.span) / timeline.surface.plot, this.view.span);
      this.schedule();
    });
    canvas.addEventListener("pointerup", (event) => {
      const click = drag && !drag.moved;
      drag = null;
      canvas.classList.remove("dragging");
      if (!click) return;
      this.hideTip();
      const slot = timeline.slotAt(event.offsetX, event.offsetY, this.view);
      if (slot >= 0) this.select(run, slot, false);
      else this.unselect();
    });
    canvas.addEventListener("pointercancel", () => (drag = null));
    canvas.addEventListener("pointerleave", () => this.hideTip());
    canvas.addEventListener("dblclick", (event) => this.zoom(1 / 3, cycleAt(event.offsetX)));
    canvas.addEventListener("wheel", (event) => {
      if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
        event.preventDefault();
        this.view.pan(((event.deltaX || event.deltaY) * this.view.span) / timeline.surface.plot);
        this.schedule();
      } else {
        event.preventDefault();
        this.zoom(Math.exp(event.deltaY * 0.0015), cycleAt(event.offsetX));
      }
    }, { passive: false });
  },

  // --- what is under the mouse --------------------------------------------------------

  hover(run, timeline, event) {
    const { offsetX: x, offsetY: y } = event;
    const slot = timeline.slotAt(x, y, this.view);
    const lines = slot >= 0 ? this.slotTip(run, slot) : this.emptyTip(run, timeline.at(x, y, this.view));
    timeline.surface.canvas.style.cursor = slot >= 0 ? "pointer" : "";
    this.showTip(event, lines);
  },
  showTip(event, lines) {
    if (!lines) {
      this.hideTip();
      return;
    }
    const tip = document.getElementById("tip");
    tip.replaceChildren(...lines);
    tip.hidden = false;
    const x = Math.min(event.clientX + 14, window.innerWidth - tip.offsetWidth - 8);
    const below = event.clientY + 18 + tip.offsetHeight < window.innerHeight;
    tip.style.left = `${Math.max(4, x)}px`;
    tip.style.top = `${below ? event.clientY + 18 : event.clientY - tip.offsetHeight - 10}px`;
  },
  slotTip(run, slot) {
    const code = run.codes[run.code[slot]];
    const notes = noteOf(run, slot).map(([name, value]) => `${name} ${value}`).join(" · ");
    const values = [...run.written(slot)], more = values.length > 8 ? " …" : "";
    const arrow = code.access === ACCESS_STORE ? "→" : "←";
    const where = code.access >= ACCESS_LOAD ? ` ${arrow} m[${run.address[slot]}]` : "";
    const issued = `${run.place(slot)} · ${run.cycleText(run.cycle[slot])} · bundle ${decimal(run.bundle[slot])}`;
    return [
      element("code", {}, run.text(slot)),
      element("div", {}, issued),
      notes ? element("div", {}, notes) : null,
      values.length ? element("div.n", {}, `= ${values.slice(0, 8).join("  ")}${more}${where}`) : null,
    ].filter((line) => line);
  },
  cycleTip(run, cycle) {
    if (cycle < 0 || cycle >= run.cycles) return null;
    const used = run.engines.map((engine, e) =>
      `${engine} ${run.used[cycle * run.engines.length + e]}/${run.machine.slots[engine] * run.machine.cores}`);
    return [element("div", {}, `${run.cycleText(cycle)} · ${plural(run.live[cycle], "word")} in use`),
      element("div.quiet", {}, used.join(" · "))];
  },
  // Why a slot is empty.
  emptyTip(run, { cycle, row }) {
    if (row < 0 || cycle < 0 || cycle >= run.cycles) return null;
    const e = run.engineOf(row);
    const at = cycle * run.engines.length + e;
    let left = row - run.engineRow[e] - run.used[at];
    const cause = run.causes.find((_, k) => (left -= run.holes[at * run.causes.length + k]) < 0);
    const empty = `${run.rowNames[row]} · ${run.cycleText(cycle)} · empty`;
    if (!cause || run.machine.cores > 1) return [element("div", {}, empty)];
    return [element("div", {}, `${empty}: `, element("b", {}, cause)),
      element("div.quiet", {}, CAUSE_TEXT[cause] ?? "")];
  },
  hideTip() {
    document.getElementById("tip").hidden = true;
  },

  // --- keys ---------------------------------------------------------------------------

  key(event) {
    const typing = event.target.matches("input, select, textarea");
    if (event.key === "Escape") {
      this.escape(typing);
      return;
    }
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    const act = this.keys()[event.key];
    if (!act || (event.target.matches("[role=tab], button") && event.key.startsWith("Arrow"))) return;
    event.preventDefault();
    act(event);
  },
  keys() {
    const along = (cycles) => (event) => {
      if (this.selected && !event.shiftKey) this.step(cycles, 0);
      else this.view.pan(cycles * this.view.span * 0.1);
      this.schedule();
    };
    const across = (rows) => () => this.selected && this.step(0, rows);
    return {
      ArrowLeft: along(-1), ArrowRight: along(1), ArrowUp: across(-1), ArrowDown: across(1),
      "+": () => this.zoomKey(1 / 1.6), "=": () => this.zoomKey(1 / 1.6), "-": () => this.zoomKey(1.6),
      "0": () => this.fit(),
      Home: () => this.showFrom(0), End: () => this.showFrom(this.view.cycles),
      n: () => this.nextHit(1), N: () => this.nextHit(-1),
      "/": () => document.getElementById("find").select(),
      "?": () => document.getElementById("keys").showModal(),
    };
  },
  zoomKey(factor) {
    this.zoom(factor, this.selected ? this.selected.run.cycle[this.selected.slot] + 0.5 : undefined);
  },
  showFrom(cycle) {
    this.view.set(cycle, this.view.span);
    this.schedule();
  },
  // Arrows go from tab to tab.
  tabKey(event) {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by) return;
    const tabs = [...document.querySelectorAll("[role=tab]")];
    const next = tabs[(tabs.indexOf(event.target) + by + tabs.length) % tabs.length];
    next.click();
    next.focus();
  },
  // First the search, then the choice.
  escape(typing) {
    this.hideTip();
    if (this.query || typing) {
      const field = document.getElementById("find");
      field.value = "";
      field.blur();
      this.find("");
      this.showTab(this.selected ? "slot" : "summary");
    } else if (this.selected) {
      this.unselect();
    }
  },
});

const CAUSE_TEXT = {
  missed: "an operation was ready and legal here",
  scratch: "an operation could have been here, but for a word that was still to be read",
  order: "an operation could have been here, but for the order of memory accesses or writes",
  "ready-later": "operations were left, but their operands were not there yet",
  none: "no operation of this engine was left, or none had begun",
};

// One object, to look at the data in the browser's console.
const sheaf = new App(JSON.parse(document.getElementById("data").textContent));
globalThis.sheaf = sheaf;
