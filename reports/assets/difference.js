// Where two texts differ: by character in Chinese, by word elsewhere. Myers 1986, "An O(ND) difference algorithm".

const MOST_COMPARED = 20000; // characters of a text
const MOST_CHANGES = 2000; // tokens that are left out or added; beyond it two texts have too little in common

const tokensOf = (content) => content.match(/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]|[\p{L}\p{N}\p{M}]+|\s+|[^]/gu) ?? [];

// The steps from one list of tokens to another, [kind, token] with kind "same", "missing" or "extra"; null: too different.
function difference(from, to) {
  let start = 0;
  while (start < from.length && start < to.length && from[start] === to[start]) start += 1;
  let end = 0;
  while (end < from.length - start && end < to.length - start && from[from.length - 1 - end] === to[to.length - 1 - end]) end += 1;
  const same = (tokens) => tokens.map((token) => ["same", token]);
  const middle = changes(from.slice(start, from.length - end), to.slice(start, to.length - end));
  return middle && [...same(from.slice(0, start)), ...middle, ...same(end ? from.slice(-end) : [])];
}

function changes(from, to) {
  const most = Math.min(from.length + to.length, MOST_CHANGES);
  const reach = new Int32Array(2 * most + 3); // the furthest place in `from` on each diagonal, `most + 1` being the middle
  const rounds = [];
  for (let round = 0; round <= most; round += 1) {
    rounds.push(reach.slice(most + 1 - round - 1, most + 1 + round + 2));
    for (let diagonal = -round; diagonal <= round; diagonal += 2) {
      const at = most + 1 + diagonal;
      let place = diagonal === -round || (diagonal !== round && reach[at - 1] < reach[at + 1]) ? reach[at + 1] : reach[at - 1] + 1;
      while (place < from.length && place - diagonal < to.length && from[place] === to[place - diagonal]) place += 1;
      reach[at] = place;
      if (place >= from.length && place - diagonal >= to.length) return stepsOf(from, to, rounds);
    }
  }
  return null;
}

// The way back from the ends to the beginnings, through what each round had reached.
function stepsOf(from, to, rounds) {
  const steps = [];
  let [place, other] = [from.length, to.length];
  for (let round = rounds.length - 1; round >= 0; round -= 1) {
    const reach = (diagonal) => rounds[round][diagonal + round + 1];
    const diagonal = place - other;
    const isDown = diagonal === -round || (diagonal !== round && reach(diagonal - 1) < reach(diagonal + 1));
    const before = isDown ? diagonal + 1 : diagonal - 1;
    const [start, otherStart] = round ? [reach(before), reach(before) - before] : [0, 0];
    while (place > start && other > otherStart) { place -= 1; other -= 1; steps.push(["same", from[place]]); }
    if (!round) break;
    if (isDown) { other -= 1; steps.push(["extra", to[other]]); } else { place -= 1; steps.push(["missing", from[place]]); }
  }
  return steps.reverse();
}

// Runs of one kind as one piece. A single token that is the same by chance, between changes, counts as changed.
function runsOf(steps) {
  const runs = [];
  const change = { missing: "", extra: "" };
  const flush = () => {
    for (const kind of ["missing", "extra"]) if (change[kind]) { runs.push({ kind, text: change[kind] }); change[kind] = ""; }
  };
  const isChanged = (step) => step && step[0] !== "same";
  steps.forEach(([kind, token], at) => {
    if (kind !== "same") change[kind] += token;
    else if (token.length < 2 && isChanged(steps[at - 1]) && isChanged(steps[at + 1])) { change.missing += token; change.extra += token; }
    else {
      flush();
      if (runs.at(-1)?.kind === "same") runs.at(-1).text += token;
      else runs.push({ kind: "same", text: token });
    }
  });
  flush();
  return runs;
}

// An answer with what it lacks and what it adds against another text, as elements; null where they cannot be compared.
function marked(content, other) {
  if (Math.max(content.length, other.length) > MOST_COMPARED) return null;
  const steps = difference(tokensOf(other), tokensOf(content));
  return steps && runsOf(steps).map(({ kind, text: run }) =>
    (kind === "same" ? h("span", {}, run) : h(kind === "extra" ? "ins" : "del", { "data-explain": say(`${kind}_explained`) }, run)));
}

// How much two texts share, from 0 to 1; by it the nearest of several targets is found.
function likeness(content, other) {
  const steps = Math.max(content.length, other.length) > MOST_COMPARED ? null : difference(tokensOf(other), tokensOf(content));
  return steps ? steps.filter(([kind]) => kind === "same").length / Math.max(1, steps.length) : 0;
}
