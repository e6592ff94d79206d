// Elements and sentences. Everything a model or a data file wrote goes through textContent and can never be markup.

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const LONG = 1200; // characters shown before a text is folded
const LONG_REASON = 120; // a judge's, in a narrow column
const phrases = JSON.parse(document.getElementById("phrases").textContent);
const byId = (id) => document.getElementById(id);
const language = () => document.documentElement.lang;
const grouped = (count) => count.toLocaleString("en");

// A sentence of the catalogue in the language that is shown; one that depends on a count is chosen by `n`.
function say(name, values = {}) {
  const entry = phrases[language()].explorer[name];
  const sentence = typeof entry === "string" ? entry : (values.n === 1 && entry.one) || entry.other;
  return sentence.replace(/\{(\w+)\}/g, (place, key) => (Object.hasOwn(values, key) ? String(values[key]) : place));
}

function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, content] of Object.entries(attributes || {})) {
    if (content === true) element.setAttribute(name, "");
    else if (content !== false && content != null) element.setAttribute(name, content);
  }
  element.append(...children.flat(Infinity).filter((child) => child != null && child !== false && child !== ""));
  return element;
}

// A block that folds where it is long; `marked` are its pieces as elements, where some are marked.
function text(content, long = LONG, marked = null) {
  const block = h("div", { class: "text" }, marked || content);
  if (content.length <= long) return block;
  block.classList.add("folded");
  const label = () => say("show_all", { count: grouped([...content].length) });
  const button = h("button", { type: "button", class: "quiet", "aria-expanded": "false" }, label());
  button.addEventListener("click", () => {
    const folded = block.classList.toggle("folded");
    button.setAttribute("aria-expanded", String(!folded));
    button.textContent = folded ? label() : say("show_less");
  });
  return h("div", {}, block, button);
}

// An answer as it was extracted: text, the fields of a JSON answer, or a list.
function value(content) {
  if (typeof content === "string") return content === "" ? h("p", { class: "empty" }, say("empty")) : text(content);
  if (Array.isArray(content)) return h("ul", { class: "values" }, content.map((part) => h("li", {}, value(part))));
  if (content && typeof content === "object") {
    return h("dl", { class: "fields" }, Object.entries(content).map(([key, part]) => [h("dt", {}, key), h("dd", {}, value(part))]));
  }
  return text(JSON.stringify(content ?? null));
}

function part(title, content, style, explanation) {
  return content && h("div", { class: `part ${style || ""}`, "data-explain": explanation, tabindex: explanation && 0 }, h("h5", {}, title), content);
}

// Filled when first opened: most prompts are never looked at.
function folded(title, fill, open = false) {
  const details = h("details", { class: "inner" }, h("summary", {}, title));
  const show = () => { if (details.open && details.childElementCount === 1) details.append(fill()); };
  details.addEventListener("toggle", show);
  if (open) { details.open = true; show(); }
  return details;
}
