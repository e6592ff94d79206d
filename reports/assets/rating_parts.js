// The pieces of the rating page: what is shown of an entry, and the controls by which it is rated.

const BUTTONS = 10; // a scale of more steps is typed
const spoken = (texts) => texts[language()] ?? Object.values(texts)[0] ?? "";
const steps = sheet.whole && sheet.high - sheet.low < BUTTONS && sheet.low >= 0 && sheet.high <= 9
  ? Array.from({ length: sheet.high - sheet.low + 1 }, (_, place) => sheet.low + place) : null;

function passageList(passages, open) {
  if (!passages.length) return null;
  return folded(say("passages", { n: passages.length, count: passages.length }), () => h("ol", { class: "passages" }, passages.map((passage) => h("li", {}, text(passage, 700)))), open);
}

function questionCard({ question }) {
  return h("section", { class: "card question", "aria-label": say("question") },
    h("h2", {}, say("question")), text(question.text, 1600),
    question.reference && folded(say("reference"), () => text(question.reference)),
    passageList(question.passages, false));
}

function answerCards({ entry, turned }) {
  const answers = turned ? [...entry.answers].reverse() : entry.answers;
  const titles = sheet.pairwise ? [say("first_answer"), say("second_answer")] : [say("answer")];
  return h("div", { class: sheet.pairwise ? "answers two" : "answers" }, answers.map((content, place) =>
    h("section", { class: "card answer", "aria-label": titles[place] }, h("h2", {}, titles[place]),
      content ? text(content, 6000) : h("p", { class: "empty" }, say("empty_answer")), passageList(entry.passages, true))));
}

// The verdicts as they are shown: of a turned pair the left answer is the entry's second.
const verdictsOf = ({ turned }) => [["first", turned ? "second" : "first"], ["tie", "tie"], ["second", turned ? "first" : "second"]];

function verdictPanel(shown) {
  const chosen = ratingOf(shown.entry).verdict;
  const keys = { first: "1", tie: "0", second: "2" };
  return h("div", { class: "panel", role: "group", "aria-label": say("which_is_better") },
    h("h2", {}, say("which_is_better")),
    h("div", { class: "steps wide" }, verdictsOf(shown).map(([side, verdict]) =>
      h("button", { type: "button", class: "step", "data-verdict": verdict, "aria-pressed": String(chosen === verdict) },
        h("kbd", {}, keys[side]), say(`better_${side}`)))),
    h("details", { class: "inner" }, h("summary", {}, say("criteria")),
      h("ul", { class: "criteria" }, sheet.dimensions.map(({ titles, texts }) => h("li", {}, h("b", {}, spoken(titles)), " ", spoken(texts))))));
}

function stepButtons({ name, anchors }, score) {
  const meanings = spoken(anchors) || {};
  return steps.map((step) => h("button", {
    type: "button", class: "step", "data-dimension": name, "data-step": step, title: meanings[step], "aria-pressed": String(score === step),
  }, String(step)));
}

function scoreField({ name, titles }, score) {
  return h("input", {
    type: "number", class: "score", "data-dimension": name, min: sheet.low, max: sheet.high, step: sheet.whole ? 1 : "any", inputmode: "decimal",
    "aria-label": spoken(titles), value: score ?? null, autocomplete: "off",
  });
}

function dimensionRow(dimension, place, scores, active) {
  const { name, titles, texts, anchors } = dimension;
  const meanings = Object.entries(spoken(anchors) || {});
  return h("div", { class: place === active ? "dimension active" : "dimension", role: "group", "aria-label": spoken(titles), "data-place": place },
    h("div", { class: "naming" }, h("b", {}, spoken(titles)), steps ? null : h("span", { class: "hint" }, ` ${sheet.low}–${sheet.high}`)),
    h("div", { class: "steps" }, steps ? stepButtons(dimension, scores[name]) : scoreField(dimension, scores[name])),
    place === active && h("div", { class: "meaning" }, h("p", {}, spoken(texts)),
      meanings.length ? h("dl", {}, meanings.map(([step, meaning]) => [h("dt", {}, step), h("dd", {}, meaning)])) : null));
}

function noteField(entry) {
  return h("label", { class: "note-field" }, h("span", { class: "hint" }, say("note")),
    h("input", { type: "text", id: "note", value: ratingOf(entry).note ?? "", autocomplete: "off", maxlength: 2000 }));
}
