// What a rater has said so far: kept by the browser after every key, and saved as a file that `harness rate` reads.

const sheet = JSON.parse(document.getElementById("sheet").textContent);
const STORED = `rating:${sheet.sheet}`;
const total = sheet.questions.reduce((sum, question) => sum + question.entries.length, 0);

// A number in [0, 1) that the seed alone decides (mulberry32).
function dealer(seed) {
  let state = 2166136261;
  for (const letter of seed) state = Math.imul(state ^ letter.codePointAt(0), 16777619);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

function shuffled(list, random) {
  const deck = [...list];
  for (let place = deck.length - 1; place > 0; place -= 1) {
    const other = Math.floor(random() * (place + 1));
    [deck[place], deck[other]] = [deck[other], deck[place]];
  }
  return deck;
}

// The entries in a rater's own order, the answers to one question one after the other; of two either may be the left.
function orderOf(seed) {
  const random = dealer(`${sheet.sheet}\n${seed}`);
  return shuffled(sheet.questions, random).flatMap((question) =>
    shuffled(question.entries, random).map((entry) => ({ question, entry, turned: sheet.pairwise && random() < 0.5 })));
}

const blank = () => ({ rater: "", seed: "", sitting: crypto.getRandomValues(new Uint32Array(3)).join("-"), at: 0, ratings: {}, saved: 0 });

// To a page that is opened while the machine is busy a browser may show its lasting storage as empty, though it is not
// (Chromium 156). So the tab keeps a copy, and opening the page writes nothing over what is kept.
let keeps = true;
let state = blank();
try {
  localStorage.setItem("rating", "");
  state = { ...state, ...JSON.parse(localStorage.getItem(STORED) ?? sessionStorage.getItem(STORED) ?? "{}") };
} catch { keeps = false; } // no storage for some files: then the file is all there is
let order = orderOf(state.seed || state.sitting);

function keep() {
  const kept = JSON.stringify(state);
  try {
    sessionStorage.setItem(STORED, kept);
    localStorage.setItem(STORED, kept);
    keeps = true;
  } catch { keeps = false; }
}

// The seed is the rater's name: another rater has another order, and the same one has it again on another machine.
function begin(rater) {
  state.rater = rater.trim();
  state.seed = state.rater || state.sitting;
  order = orderOf(state.seed);
  state.at = 0;
  keep();
}

function restart() {
  state = blank();
  order = orderOf(state.sitting);
  keep();
}

const ratingOf = (entry) => state.ratings[entry.key] ?? {};
const isRated = (entry) => {
  const rating = ratingOf(entry);
  return sheet.pairwise ? Boolean(rating.verdict) : sheet.dimensions.every(({ name }) => name in (rating.scores ?? {}));
};
const countRated = () => order.filter(({ entry }) => isRated(entry)).length;
const hasUnsaved = () => JSON.stringify(state.ratings) !== (state.written ?? "{}");

function rate(entry, change) {
  state.ratings[entry.key] = { ...ratingOf(entry), ...change };
  keep();
}

// A line for the sheet and the rater, then one for each entry that has anything.
function ratingLines() {
  const given = order.filter(({ entry }) => Object.values(ratingOf(entry)).some((content) => typeof content === "object" ? Object.keys(content).length : content));
  const head = {
    harness_ratings: 1, run: sheet.run, sheet: sheet.sheet, rater: state.rater, sitting: state.sitting, saved: new Date().toISOString(),
    pairwise: sheet.pairwise, rubric: sheet.rubric, low: sheet.low, high: sheet.high, whole: sheet.whole,
    dimensions: sheet.dimensions.map(({ name }) => name), entries: total, rated: given.length,
  };
  return [head, ...given.map(({ entry }) => ({ entry: entry.key, ...ratingOf(entry) }))];
}

function save() {
  const rater = state.rater.replace(/[\s\\/:*?"<>|.]+/g, "-").slice(0, 40);
  const name = ["ratings", rater, sheet.sheet.slice(0, 6)].filter(Boolean).join("-");
  download(asJsonLines(ratingLines().map(Object.entries)), `${name}.jsonl`, "application/jsonl");
  state.written = JSON.stringify(state.ratings);
  keep();
}

addEventListener("beforeunload", (event) => { if (!keeps && hasUnsaved()) event.preventDefault(); });
