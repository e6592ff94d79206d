// Which items are chosen, and in which order. The choice lives in the address, so that it can be sent to someone else.

const PATTERN = ["right", "partly", "wrong", "unknown"]; // what a column can be held to; parameters of the address
const FIELDS = ["task", "variant", "metric", "outcome", "retrieval", "q", "disagree", "sort", "reverse"];
const NAMES = [...FIELDS, "against", "sample"];

// The state that an address holds: names to texts, and `pattern`: columns to outcomes.
function stateOf(hash) {
  const parts = new URLSearchParams(hash.includes("=") ? hash.replace(/^#/, "") : "");
  const state = Object.fromEntries(NAMES.map((name) => [name, parts.get(name) ?? ""]));
  state.pattern = new Map(PATTERN.flatMap((outcome) => parts.getAll(outcome).map((column) => [column, outcome])));
  return state;
}

function addressOf(state) {
  const parts = new URLSearchParams();
  for (const name of NAMES) if (state[name]) parts.set(name, state[name]);
  for (const [column, outcome] of state.pattern ?? []) parts.append(outcome, column);
  return `#${parts.size ? parts : "samples"}`;
}

class Selection {
  constructor(matrix, state, texts) {
    this.matrix = matrix;
    this.state = state;
    this.metric = state.metric ? matrix.names.indexOf(state.metric) : -1;
    this.texts = texts;
    Object.assign(this, matrix.judged(this.metric));
    this.shown = state.variant ? matrix.answering.get(state.variant) ?? [] : matrix.columns.map((_, column) => column);
  }

  // The places of the chosen items, in the order that is asked for.
  places() {
    const tests = this.tests();
    const chosen = [];
    for (let place = 0; place < this.matrix.total; place += 1) if (tests.every((test) => test(place))) chosen.push(place);
    return this.sorted(chosen);
  }

  tests() {
    const { matrix, state, codes, shown } = this;
    const tests = [];
    if (state.task) { const task = matrix.tasks.indexOf(state.task); tests.push((place) => matrix.task[place] === task); }
    if (this.metric >= 0) { const task = matrix.tasks.indexOf(matrix.metrics[this.metric][0]); tests.push((place) => matrix.task[place] === task); }
    if (state.variant) tests.push((place) => shown.some((column) => codes[column][place]));
    if (state.outcome || state.retrieval) {
      const outcome = OUTCOMES.indexOf(state.outcome);
      const retrieval = String(RETRIEVALS.indexOf(state.retrieval));
      tests.push((place) => shown.some((column) => codes[column][place] && (!state.outcome || codes[column][place] === outcome)
        && (!state.retrieval || matrix.retrieved[column]?.[place] === retrieval)));
    }
    if (state.disagree) tests.push((place) => codes.some((column) => column[place] === 1) && codes.some((column) => column[place] === 3));
    for (const [name, outcome] of state.pattern) {
      const [column, code] = [codes[matrix.columns.indexOf(name)], OUTCOMES.indexOf(outcome)];
      if (column) tests.push((place) => column[place] === code);
    }
    if (state.q) tests.push((place) => this.texts.matches(place, state.q.toLowerCase()));
    return tests;
  }

  goodness(place, column) {
    return this.matrix.goodness(this.codes[column][place], this.values[column][place], this.matrix.scale(place, this.metric));
  }

  // The mean goodness of the answers that are known to be right or wrong, their spread (0: all alike), and their number.
  spread(place) {
    const known = this.codes.map((_, column) => this.goodness(place, column)).filter((share) => !Number.isNaN(share));
    const mean = known.reduce((sum, share) => sum + share, 0) / known.length;
    const deviation = Math.sqrt(known.reduce((sum, share) => sum + (share - mean) ** 2, 0) / known.length);
    return { mean, deviation, known: known.length };
  }

  // What the items are sorted by, a number an item; NaN comes last.
  measure() {
    const { matrix, state } = this;
    const [kind, name] = [state.sort.split(":")[0], state.sort.slice(state.sort.indexOf(":") + 1)];
    const longest = (place) => Math.max(...matrix.lengths.map((column) => column[place]));
    if (kind === "disagreement") return (place) => -this.spread(place).deviation;
    if (kind === "difficulty") return (place) => this.spread(place).mean;
    if (kind === "question") return (place) => -matrix.questions[place];
    if (kind === "answer") return (place) => -longest(place);
    if (kind === "variant" && matrix.columns.includes(name)) return (place) => this.goodness(place, matrix.columns.indexOf(name));
    if (kind === "metric" && matrix.names.includes(name)) return this.meanOf(matrix.names.indexOf(name));
    return null;
  }

  meanOf(metric) {
    const { values } = this.matrix.judged(metric);
    const task = this.matrix.tasks.indexOf(this.matrix.metrics[metric][0]);
    return (place) => {
      if (this.matrix.task[place] !== task) return NaN;
      const known = values.map((column) => column[place]).filter((score) => !Number.isNaN(score));
      return known.reduce((sum, score) => sum + score, 0) / known.length;
    };
  }

  sorted(places) {
    const measure = this.measure();
    const direction = this.state.reverse ? -1 : 1;
    if (!measure) return this.state.reverse ? places.reverse() : places;
    const keys = new Map(places.map((place) => [place, direction * measure(place)]));
    const rank = (place) => (Number.isNaN(keys.get(place)) ? Infinity : keys.get(place));
    return places.sort((left, right) => (rank(left) === rank(right) ? left - right : rank(left) - rank(right)));
  }
}
