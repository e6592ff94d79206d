// What is known of all items without unpacking any: outcomes, values and lengths by item and variant.

const OUTCOMES = ["none", "right", "partly", "wrong", "unknown", "neutral"];
const CODES = { "-": 0, r: 1, R: 1, p: 2, w: 3, W: 3, u: 4, n: 5 };
const SIGNS = { none: "", right: "✓", partly: "◐", wrong: "✗", unknown: "?", neutral: "·" };
const RETRIEVALS = ["hit and right", "hit and wrong", "miss and right", "miss and wrong", "not shown", "unknown"];
const GRADES = ["◔", "◑", "◕"]; // of what is partly right, by thirds

class ItemMatrix {
  constructor(content) {
    Object.assign(this, content);
    this.total = this.ids.length;
    this.answering = new Map(this.variants.map(([name, members]) => [name, members.map((member) => this.columns.indexOf(member))]));
    this.placesByTask = this.tasks.map(() => []);
    this.task.forEach((task, place) => this.placesByTask[task].push(place));
    this.names = this.metrics.map((pair) => pair.join("."));
    this.first = new Map(); // by task, the metric that its items are judged by
    this.metrics.forEach(([task], number) => { if (!this.first.has(task)) this.first.set(task, number); });
    this.judgements = new Map();
  }

  key(place) { return `${this.tasks[this.task[place]]}/${this.ids[place]}`; }

  place(key) { // ids may hold slashes, and so may tasks
    this.byKey ??= new Map(this.ids.map((_, place) => [this.key(place), place]));
    return this.byKey.get(key) ?? -1;
  }

  // Codes and values by column, judged by one metric (a number), or by the first metric of each task (-1).
  judged(metric) {
    if (!this.judgements.has(metric)) {
      const chosen = metric >= 0 ? [metric] : [...this.first.values()];
      const codes = this.columns.map(() => new Uint8Array(this.total));
      const values = this.columns.map(() => new Float64Array(this.total).fill(NaN));
      this.columns.forEach((_, column) => this.lengths[column].forEach((length, place) => { if (length >= 0) codes[column][place] = 4; }));
      for (const number of chosen) this.columns.forEach((_, column) => this.fill(number, column, codes[column], values[column]));
      this.judgements.set(metric, { codes, values });
    }
    return this.judgements.get(metric);
  }

  fill(metric, column, codes, values) {
    const [letters, graded, scale] = [this.outcomes[metric][column], this.graded[metric][column], this.scales[metric]];
    const [good, bad] = scale.better === "lower" ? [scale.low, scale.high] : [scale.high, scale.low];
    let next = 0;
    const places = this.placesByTask[this.tasks.indexOf(this.metrics[metric][0])] ?? []; // a task may have no items
    places.forEach((place, at) => {
      const letter = letters[at];
      codes[place] = CODES[letter];
      if (letter === "r") values[place] = good;
      else if (letter === "w") values[place] = bad;
      else if (letter !== "-" && letter !== "u") { values[place] = graded[next]; next += 1; }
    });
  }

  scale(place, metric) {
    return this.scales[metric >= 0 ? metric : this.first.get(this.tasks[this.task[place]])];
  }

  // How good a value is, from 0 to 1; NaN where that cannot be said.
  goodness(code, score, scale) {
    if (code === 1) return 1;
    if (code === 3) return 0;
    if (code !== 2) return NaN;
    if (scale.low == null || scale.high == null) return 0.5;
    const share = (score - scale.low) / (scale.high - scale.low);
    return scale.better === "lower" ? 1 - share : share;
  }

  // As reports/facts/numbers.py writes it, without an empty decimal of a percentage.
  figure(score, scale) {
    if (Number.isNaN(score) || score == null) return "";
    const shown = scale.percent ? (100 * score).toFixed(1).replace(/\.0$/, "")
      : scale.decimals == null && Math.abs(score) < 999.5 ? score.toPrecision(3)
      : score.toLocaleString("en", { minimumFractionDigits: scale.decimals ?? 0, maximumFractionDigits: scale.decimals ?? 0 });
    return `${shown.replace("-", "−")}${scale.percent ? " %" : ""}`;
  }

  sign(code, goodness) {
    if (code !== 2 || Number.isNaN(goodness)) return SIGNS[OUTCOMES[code]];
    return GRADES[Math.min(2, Math.floor(3 * goodness))];
  }
}
