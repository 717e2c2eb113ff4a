// The recorded runs as typed arrays. The streams are described in traces/html/html_pack.h.

const ACCESS_NONE = 0, ACCESS_SCRATCH = 1, ACCESS_LOAD = 2, ACCESS_STORE = 3;

// What a slot waits for, in the order of struct hist_ready.
const SLACKS = 3;

// Kinds of dependences, in the order of enum hist_kind.
const KINDS = [
  { name: "value", from: "computes what it reads", to: "reads what it computes" },
  { name: "in use", from: "reads the word that it overwrites", to: "overwrites a word that it reads" },
  { name: "overwrite", from: "wrote the same word before", to: "writes the same word later" },
  { name: "memory", from: "stored what it loads", to: "loads what it stores" },
  { name: "memory in use", from: "loads the word that it overwrites", to: "overwrites what it loads" },
  { name: "memory overwrite", from: "stored to the same word before", to: "stores to the same word later" },
  { name: "jump", from: "decides that it is executed", to: "is executed because of it" },
];
const KIND_VALUE = 0, KIND_MEMORY = 3, KIND_JUMP = 6;

function fromBase64(text) {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

class Stream {
  constructor(base64) {
    this.bytes = fromBase64(base64);
    this.at = 0;
  }
  number() {
    let byte = this.bytes[this.at++];
    if (byte < 0x80) return byte;
    let value = byte & 0x7f, scale = 0x80;
    do {
      byte = this.bytes[this.at++];
      value += (byte & 0x7f) * scale;
      scale *= 0x80;
    } while (byte >= 0x80);
    return value;
  }
}

const unzigzag = (n) => (n % 2 ? -(n + 1) / 2 : n / 2);

// One side of the page: its parts one after the other, on one axis of cycles.
class Run {
  constructor(data, causes) {
    this.title = data.title;
    this.causes = causes;
    this.parts = data.parts;
    this.machine = data.parts[0].machine;
    this.engines = Object.keys(this.machine.slots);
    this.layOutRows();
    const sum = (key) => data.parts.reduce((total, part) => total + part[key], 0);
    this.cycles = sum("cycles");
    this.n = sum("slots");
    this.allocate(this.n, sum("edges"), sum("values"));
    this.codes = [];
    let cycle = 0;
    for (const part of data.parts) {
      part.start = cycle;
      part.firstSlot = this.filled.slots;
      this.readRun(part, cycle, this.readCode(part));
      this.readTime(part, cycle);
      cycle += part.cycles;
      for (const used of ["code", "run", "value_words", "holes", "live", "words"]) delete part[used];
    }
    this.indexCycles();
  }

  // A row for each slot of each engine; a core's rows are the same as another's.
  layOutRows() {
    this.rows = 0;
    this.rowNames = [];
    this.engineRow = this.engines.map((engine) => {
      const first = this.rows;
      for (let i = 0; i < this.machine.slots[engine]; i++) this.rowNames.push(`${engine}-${i}`);
      this.rows += this.machine.slots[engine];
      return first;
    });
  }

  allocate(slots, edges, values) {
    this.cycle = new Uint32Array(slots);
    this.row = new Uint16Array(slots);
    this.core = new Uint8Array(slots);
    this.bundle = new Uint32Array(slots);
    this.code = new Uint32Array(slots);
    this.address = new Uint32Array(slots);
    this.words = new Uint8Array(slots);
    this.slack = new Uint32Array(slots * SLACKS);
    this.firstValue = new Uint32Array(slots + 1);
    this.firstEdge = new Uint32Array(slots + 1);
    this.edgeFrom = new Uint32Array(edges);
    this.edgeWord = new Uint32Array(edges);
    this.edgeKind = new Uint8Array(edges);
    this.values = new Uint32Array(values);
    this.used = new Uint16Array(this.cycles * this.engines.length);
    this.holes = new Uint16Array(this.cycles * this.engines.length * this.causes.length);
    this.live = new Uint32Array(this.cycles);
    this.filled = { slots: 0, edges: 0, values: 0 };
  }

  // The slots of the program; where they begin in this.codes.
  readCode(part) {
    const base = this.codes.length;
    const s = new Stream(part.code);
    for (let i = 0; i < part.codes; i++) {
      const code = { engine: s.number(), access: s.number(), dest: s.number(), texts: [], reads: [], stage: "" };
      for (let n = s.number(); n > 0; n--) code.texts.push(part.words[s.number()]);
      for (let n = s.number(); n > 0; n--)
        code.reads.push({ operand: s.number(), first: s.number(), words: s.number() });
      if (part.notes) {
        const stage = s.number();
        code.stage = stage ? part.stages[stage - 1] : "";
        code.round = s.number();
        code.strand = s.number() - 1;
        code.value = part.words[s.number()];
        code.word = s.number();
        code.noted = stage > 0;
      }
      this.codes.push(code);
    }
    return base;
  }

  readRun(part, startCycle, codeBase) {
    const s = new Stream(part.run);
    const values = fromBase64(part.value_words);
    const view = new DataView(values.buffer);
    const inEngine = new Uint16Array(this.engines.length);
    let { slots: slot, edges: edge, values: value } = this.filled;
    for (let i = 0; i < part.values; i++) this.values[value + i] = view.getUint32(4 * i, true);
    let cycle = startCycle, code = codeBase;
    for (let b = 0; b < part.bundles; b++) {
      const bundle = s.number();
      cycle += s.number();
      const core = s.number();
      inEngine.fill(0);
      for (let left = s.number(); left > 0; left--, slot++) {
        code += unzigzag(s.number());
        const { engine, access } = this.codes[code];
        this.cycle[slot] = cycle;
        this.bundle[slot] = bundle;
        this.core[slot] = core;
        this.code[slot] = code;
        this.row[slot] = this.engineRow[engine] + inEngine[engine]++;
        this.words[slot] = s.number();
        this.firstValue[slot] = value;
        value += this.words[slot];
        if (access >= ACCESS_LOAD) this.address[slot] = s.number();
        for (let i = 0; i < SLACKS; i++) this.slack[slot * SLACKS + i] = s.number();
        this.firstEdge[slot] = edge;
        for (let n = s.number(); n > 0; n--, edge++) {
          const packed = s.number();
          this.edgeKind[edge] = packed % 8;
          this.edgeFrom[edge] = slot - unzigzag((packed - (packed % 8)) / 8);
          this.edgeWord[edge] = s.number();
        }
      }
    }
    this.firstEdge[slot] = edge;
    this.firstValue[slot] = value;
    this.filled = { slots: slot, edges: edge, values: value };
  }

  readTime(part, start) {
    const holes = new Stream(part.holes), live = new Stream(part.live);
    const engines = this.engines.length, causes = this.causes.length;
    for (let c = start; c < start + part.cycles; c++) {
      for (let e = 0; e < engines; e++) {
        this.used[c * engines + e] = holes.number();
        for (let k = 0; k < causes; k++) this.holes[(c * engines + e) * causes + k] = holes.number();
      }
      this.live[c] = live.number();
    }
  }

  // Slots are in the order of their cycles: where those of each begin.
  indexCycles() {
    this.cycleStart = new Uint32Array(this.cycles + 2);
    for (let i = 0; i < this.n; i++) this.cycleStart[this.cycle[i] + 1]++;
    for (let c = 0; c <= this.cycles; c++) this.cycleStart[c + 1] += this.cycleStart[c];
  }

  // The slots from cycle `from` on, up to before `to`.
  range(from, to) {
    const clamp = (c) => Math.min(Math.max(c, 0), this.cycles);
    return [this.cycleStart[clamp(from)], this.cycleStart[Math.min(clamp(to), this.cycles + 1)]];
  }

  slotAt(cycle, row, core) {
    if (cycle < 0 || cycle >= this.cycles) return -1;
    for (let i = this.cycleStart[cycle]; i < this.cycleStart[cycle + 1]; i++)
      if (this.row[i] === row && this.core[i] === core) return i;
    return -1;
  }

  // The engine of a row, as an index.
  engineOf(row) {
    let e = this.engines.length - 1;
    while (this.engineRow[e] > row) e--;
    return e;
  }

  text(slot) {
    const [operation, ...operands] = this.codes[this.code[slot]].texts;
    return operands.length ? `${operation} ${operands.join(", ")}` : operation;
  }

  place(slot) {
    const core = this.machine.cores > 1 ? `core ${this.core[slot]} ` : "";
    return core + this.rowNames[this.row[slot]];
  }

  written(slot) {
    return this.values.subarray(this.firstValue[slot], this.firstValue[slot] + this.words[slot]);
  }

  // What the slot comes after: {slot, kind, word}.
  before(slot) {
    const out = [];
    for (let e = this.firstEdge[slot]; e < this.firstEdge[slot + 1]; e++)
      out.push({ slot: this.edgeFrom[e], kind: this.edgeKind[e], word: this.edgeWord[e] });
    return out;
  }

  // What comes after the slot, likewise. Edges are turned round when first asked for.
  after(slot) {
    if (!this.firstBack) this.turnEdges();
    const out = [];
    for (let b = this.firstBack[slot]; b < this.firstBack[slot + 1]; b++) {
      const e = this.back[b];
      out.push({ slot: this.backTo[b], kind: this.edgeKind[e], word: this.edgeWord[e] });
    }
    return out;
  }

  turnEdges() {
    const first = new Uint32Array(this.n + 2);
    for (const from of this.edgeFrom) first[from + 2]++;
    for (let i = 1; i < first.length; i++) first[i] += first[i - 1];
    this.back = new Uint32Array(this.edgeFrom.length);
    this.backTo = new Uint32Array(this.edgeFrom.length);
    for (let slot = 0; slot < this.n; slot++)
      for (let e = this.firstEdge[slot]; e < this.firstEdge[slot + 1]; e++) {
        const at = first[this.edgeFrom[e] + 1]++;
        this.back[at] = e;
        this.backTo[at] = slot;
      }
    this.firstBack = first;
  }

  // The words an operand read: {value, slot that wrote it}; value null where it was there before
  // the recorded cycles. Of several writers the last one counts.
  readValues(slot, read) {
    const out = [];
    const writers = this.before(slot).filter((edge) => edge.kind === KIND_VALUE);
    for (let word = read.first; word < read.first + read.words; word++) {
      let best = -1;
      for (const { slot: from } of writers) {
        const at = word - this.codes[this.code[from]].dest;
        if (at >= 0 && at < this.words[from] && from > best) best = from;
      }
      if (best >= 0)
        out.push({ value: this.values[this.firstValue[best] + word - this.codes[this.code[best]].dest], slot: best });
      else out.push({ value: this.partOf(this.cycle[slot]).first_cycle ? null : 0, slot: -1 });
    }
    return out;
  }

  // For each engine the slots used, then empty ones by cause, in cycles [from, to): all in one list.
  count(from, to) {
    const engines = this.engines.length, causes = this.causes.length;
    const out = new Uint32Array(engines * (causes + 1));
    let at = Math.max(0, from) * engines;
    for (let c = Math.max(0, from); c < Math.min(to, this.cycles); c++)
      for (let e = 0, sum = 0; e < engines; e++, at++) {
        out[sum++] += this.used[at];
        for (let k = at * causes; k < (at + 1) * causes; k++) out[sum++] += this.holes[k];
      }
    return out;
  }

  // Empty slots are those behind the used ones of their engine, by cause in the order of causes. Of
  // several cores it is not known whose they are. Calls show(cycle, row, cause).
  eachHole(from, to, show) {
    if (this.machine.cores > 1) return;
    const engines = this.engines.length, causes = this.causes.length;
    for (let c = from; c < to; c++)
      for (let e = 0; e < engines; e++) {
        const at = c * engines + e;
        let row = this.engineRow[e] + this.used[at];
        for (let k = 0; k < causes; k++)
          for (let n = this.holes[at * causes + k]; n > 0; n--) show(c, row++, k);
      }
  }

  partOf(cycle) {
    return this.parts.find((part) => cycle < part.start + part.cycles) ?? this.parts[this.parts.length - 1];
  }

  // As the machine counts: every part begins anew.
  cycleName(cycle) {
    const part = this.partOf(cycle);
    return cycle - part.start + part.first_cycle;
  }

  // As the axis counts, on which programs follow one another.
  axisCycle(cycle) {
    return this.parts.length > 1 ? cycle : cycle + this.parts[0].first_cycle;
  }

  rangeText(from, to) {
    const name = (cycle) => this.axisCycle(cycle).toLocaleString("en");
    return `cycles ${name(Math.floor(from))} to ${name(Math.ceil(to))}`;
  }

  // "cycle 1,234", where there are several programs with the name of this one.
  cycleText(cycle) {
    const of = this.parts.length > 1 ? ` of ${this.partOf(cycle).name}` : "";
    return `cycle ${this.cycleName(cycle).toLocaleString("en")}${of}`;
  }
}
