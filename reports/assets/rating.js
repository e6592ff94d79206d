// The rating page: what is on the screen, and what keys and clicks do. Everything is drawn anew from the state.

let screen = state.seed ? "entry" : "start";
let active = 0; // the dimension that digits rate
const place = () => Math.min(state.at, order.length - 1);
const shown = () => order[place()];
const tell = (sentence) => { byId("told").textContent = sentence; };

function header() {
  const other = language() === "zh" ? "en" : "zh";
  const done = countRated();
  return h("header", { class: "page-head" },
    h("div", { class: "bar" },
      h("h1", {}, say("heading")),
      h("button", { type: "button", class: "quiet language", lang: other, "data-language": other }, say("other_language")),
      h("button", { type: "button", id: "theme", class: "quiet", title: say("theme") }, h("span", { "aria-hidden": "true" }, "◐ "),
        h("span", { class: "choice", "data-auto": say("auto"), "data-light": say("light"), "data-dark": say("dark") }))),
    screen !== "start" && h("div", { class: "progress" },
      h("progress", { max: total, value: done, "aria-label": say("progress", { done, total }) }), h("span", { class: "count" }, say("progress", { done, total })),
      h("button", { type: "button", id: "save" }, say(hasUnsaved() || !done ? "save" : "saved"))),
    !keeps && h("p", { class: "alarm caution", role: "note" }, say("not_kept")));
}

function startScreen() {
  return h("form", { class: "card start", id: "start" },
    h("p", {}, say(sheet.pairwise ? "start_pairs" : "start_scores", { n: total, count: total })),
    h("p", {}, say("start_blind")), h("p", {}, say("start_kept")),
    h("label", {}, h("span", { class: "hint" }, say("name")), h("input", { type: "text", id: "rater", autocomplete: "off", maxlength: 60, value: state.rater })),
    h("button", { class: "primary" }, say("begin")));
}

function entryScreen() {
  const now = shown();
  const scores = ratingOf(now.entry).scores ?? {};
  const panel = sheet.pairwise ? verdictPanel(now)
    : h("div", { class: "panel" }, sheet.dimensions.map((dimension, number) => dimensionRow(dimension, number, scores, active)));
  return h("div", { class: "entry", "data-entry": now.entry.key },
    h("p", { class: "place count" }, say("place", { place: place() + 1, total }), isRated(now.entry) && h("span", { class: "verdict better" }, say("rated"))),
    questionCard(now), answerCards(now), panel, noteField(now.entry),
    h("div", { class: "moves" }, h("button", { type: "button", id: "back", disabled: place() === 0 }, say("back")),
      h("button", { type: "button", id: "next", class: "primary" }, say(place() + 1 < order.length ? "next" : "finish"))),
    h("p", { class: "hint keys" }, say(sheet.pairwise ? "keys_pairs" : steps ? "keys_steps" : "keys_numbers")));
}

function endScreen() {
  const open = total - countRated();
  return h("div", { class: "card end" },
    h("h2", {}, open ? say("end_open", { n: open, count: open }) : say("end_done")), h("p", {}, say("end_save")),
    h("div", { class: "moves" }, h("button", { type: "button", id: "save-end", class: "primary" }, say("save")),
      open > 0 && h("button", { type: "button", id: "open" }, say("to_open")), h("button", { type: "button", id: "back" }, say("back"))),
    h("p", {}, h("button", { type: "button", id: "restart", class: "quiet" }, say("restart"))));
}

// Draws the screen; the focus goes to what is typed into, and otherwise stays where it was.
function draw(focus) {
  const screens = { start: startScreen, entry: entryScreen, end: endScreen };
  byId("page").replaceChildren(header(), h("main", { id: "content" }, screens[screen]()));
  document.title = say("heading");
  document.dispatchEvent(new CustomEvent("spoken")); // the theme's button is labelled by theme.js
  const field = focus ?? (screen === "start" ? "#rater" : screen === "entry" && !sheet.pairwise && !steps ? `input[data-dimension="${CSS.escape(sheet.dimensions[active].name)}"]` : null);
  const target = field && document.querySelector(field);
  target?.focus({ preventScroll: screen === "entry" });
  if (target?.select && target.type === "number") target.select();
}

const firstOpen = (entry) => Math.max(0, sheet.dimensions.findIndex(({ name }) => !(name in (ratingOf(entry).scores ?? {}))));

function go(to) {
  screen = to >= order.length ? "end" : "entry";
  state.at = Math.max(0, Math.min(to, order.length - 1));
  active = screen === "entry" && !isRated(shown().entry) ? firstOpen(shown().entry) : 0;
  keep();
  draw();
  scrollTo({ top: 0, behavior: "instant" });
  tell(screen === "end" ? say("end_save") : say("place", { place: place() + 1, total }));
}

function goToOpen() {
  const open = order.findIndex(({ entry }) => !isRated(entry));
  go(open < 0 ? order.length : open);
}

function giveScore(name, score) {
  const { entry } = shown();
  const scores = { ...(ratingOf(entry).scores ?? {}) };
  if (score === null) delete scores[name]; else scores[name] = score;
  rate(entry, { scores });
  const dimension = sheet.dimensions.findIndex((candidate) => candidate.name === name);
  if (score !== null) tell(`${spoken(sheet.dimensions[dimension].titles)}: ${score}`);
  return dimension;
}

function pressStep(name, step) {
  active = Math.min(giveScore(name, step) + 1, sheet.dimensions.length - 1);
  draw();
}

function giveVerdict(verdict) {
  rate(shown().entry, { verdict });
  draw();
  const [side] = verdictsOf(shown()).find(([, own]) => own === verdict);
  tell(say(`better_${side}`));
}

// What stands in a field: a number on the scale, null for nothing, undefined for what is neither.
function typedScore(field) {
  if (field.value === "" && !field.validity.badInput) return null;
  const number = field.valueAsNumber;
  const fits = number >= sheet.low && number <= sheet.high && (!sheet.whole || Number.isInteger(number));
  return fits ? number : undefined;
}

function keepField(field) {
  const score = typedScore(field);
  field.setCustomValidity(score === undefined ? say("off_scale", { low: sheet.low, high: sheet.high }) : "");
  giveScore(field.dataset.dimension, score ?? null);
  return score !== undefined;
}

function nextField(field) {
  if (!keepField(field)) { field.reportValidity(); return; }
  const number = sheet.dimensions.findIndex(({ name }) => name === field.dataset.dimension);
  if (number + 1 < sheet.dimensions.length) { active = number + 1; draw(); } else go(place() + 1);
}

function saveFile() { save(); draw(); tell(say("saved")); }

const CLICKS = {
  save: saveFile, "save-end": saveFile, open: goToOpen,
  back: () => go(screen === "end" ? order.length - 1 : place() - 1),
  next: () => go(place() + 1),
  restart: () => { if (confirm(say("restart_sure"))) { restart(); screen = "start"; draw(); } },
};

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("button");
  const row = event.target.closest?.(".dimension");
  if (button?.dataset.language) { document.documentElement.lang = button.dataset.language; draw(); }
  else if (button?.dataset.step) pressStep(button.dataset.dimension, Number(button.dataset.step));
  else if (button?.dataset.verdict) giveVerdict(button.dataset.verdict);
  else if (button && Object.hasOwn(CLICKS, button.id)) CLICKS[button.id]();
  else if (row && steps && Number(row.dataset.place) !== active) { active = Number(row.dataset.place); draw(); }
});
document.addEventListener("submit", (event) => {
  event.preventDefault();
  begin(byId("rater").value);
  goToOpen();
});
document.addEventListener("input", ({ target }) => {
  if (target.id === "note") rate(shown().entry, { note: target.value });
  else if (target.dataset.dimension) keepField(target);
});
document.addEventListener("change", ({ target }) => { if (target.dataset?.dimension) target.reportValidity(); });

// Arrows move, digits rate, Enter goes on; what is typed into a field stays there.
const KEYS = {
  ArrowRight: () => go(place() + 1), ArrowLeft: () => go(Math.max(0, place() - 1)), s: saveFile, n: () => byId("note").focus(),
  ArrowDown: () => { active = Math.min(active + 1, sheet.dimensions.length - 1); draw(); },
  ArrowUp: () => { active = Math.max(active - 1, 0); draw(); },
};
const SIDES = { 1: "first", a: "first", 2: "second", b: "second", 0: "tie", t: "tie", "=": "tie" };

function pressKey(key) {
  const side = sheet.pairwise && Object.hasOwn(SIDES, key.toLowerCase()) ? SIDES[key.toLowerCase()] : null;
  if (side) giveVerdict(verdictsOf(shown()).find(([own]) => own === side)[1]);
  else if (steps && !sheet.pairwise && steps.includes(Number(key)) && key.trim()) pressStep(sheet.dimensions[active].name, Number(key));
  else if (Object.hasOwn(KEYS, key) && !((key === "ArrowDown" || key === "ArrowUp") && (sheet.pairwise || !steps))) KEYS[key]();
  else return false;
  return true;
}

document.addEventListener("keydown", (event) => {
  const { target, key } = event;
  if (screen === "start" || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const isField = target.matches?.("input");
  if (isField && key === "Escape") { target.blur(); return; }
  if (screen === "end") { if (key === "ArrowLeft") CLICKS.back(); return; }
  if (key === "Enter") {
    if (target.dataset?.dimension && isField) { event.preventDefault(); nextField(target); }
    else if (!target.matches?.("button:not(.step), summary, a")) { event.preventDefault(); go(place() + 1); }
  } else if (!isField && pressKey(key)) event.preventDefault();
});

document.documentElement.lang = document.documentElement.lang || "en";
if (screen === "entry") go(state.at); else draw();
