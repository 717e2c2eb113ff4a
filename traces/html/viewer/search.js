// Finding slots: by operation, operand, name of a value, stage, address or bundle.

// A query as a test of the slots of a run.
function searchTest(run, query) {
  const number = /^([@#:])\s*(0x[0-9a-f]+|\d+)$/i.exec(query);
  if (number) {
    const n = Number(number[2]);
    if (number[1] === "#") return (slot) => run.bundle[slot] === n;
    if (number[1] === ":") return (slot) => run.cycleName(run.cycle[slot]) === n;
    return (slot) => run.codes[run.code[slot]].access >= ACCESS_LOAD && n >= run.address[slot] &&
      n < run.address[slot] + Math.max(run.words[slot], 1);
  }
  const wanted = query.toLowerCase();
  const operation = run.codes.some((code) => code.texts[0] === query);
  const fits = run.codes.map((code) => operation ? code.texts[0] === query :
    [...code.texts, code.value, code.stage].some((text) => text?.toLowerCase().includes(wanted)));
  return (slot) => fits[run.code[slot]];
}

// {list: the slots found, marks: 1 for each of them}
function search(run, query) {
  const marks = new Uint8Array(run.n), list = [];
  if (query) {
    const test = searchTest(run, query);
    for (let slot = 0; slot < run.n; slot++)
      if (test(slot)) {
        marks[slot] = 1;
        list.push(slot);
      }
  }
  return { list, marks };
}
