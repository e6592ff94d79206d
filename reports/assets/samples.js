// One item as elements. Everything a model or a data file wrote goes through textContent and can never be markup.

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const SIGNS = { right: "✓", partly: "◐", wrong: "✗", unknown: "?", neutral: "·" };
const LONG = 1200; // characters shown before a text is folded
const LONG_REASON = 120; // a judge's, in a narrow column

function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.flat(Infinity).filter((child) => child != null && child !== false && child !== ""));
  return element;
}

function text(value, long = LONG) {
  const block = h("div", { class: "text" }, value);
  if (value.length <= long) return block;
  block.classList.add("folded");
  const label = `Show all ${[...value].length.toLocaleString("en")} characters`;
  const button = h("button", { type: "button", class: "quiet", "aria-expanded": "false" }, label);
  button.addEventListener("click", () => {
    const folded = block.classList.toggle("folded");
    button.setAttribute("aria-expanded", String(!folded));
    button.textContent = folded ? label : "Show less";
  });
  return h("div", {}, block, button);
}

// An answer as it was extracted: text, the fields of a JSON answer, or a list.
function value(content) {
  if (typeof content === "string") return content === "" ? h("p", { class: "empty" }, "(empty)") : text(content);
  if (Array.isArray(content)) return h("ul", { class: "values" }, content.map((part) => h("li", {}, value(part))));
  if (content && typeof content === "object") {
    return h("dl", { class: "fields" }, Object.entries(content).map(([key, part]) => [h("dt", {}, key), h("dd", {}, value(part))]));
  }
  return text(JSON.stringify(content ?? null));
}

function part(title, content, style) {
  return content && h("div", { class: `part ${style || ""}` }, h("h5", {}, title), content);
}

// Filled when first opened: most prompts are never looked at.
function folded(title, fill, open = false) {
  const details = h("details", { class: "inner" }, h("summary", {}, title));
  const show = () => { if (details.open && details.childElementCount === 1) details.append(fill()); };
  details.addEventListener("toggle", show);
  if (open) { details.open = true; show(); }
  return details;
}

function chip(variant, outcome, shown) {
  const told = shown && !/^(100|0) %$/.test(shown) ? ` ${shown}` : "";
  return h("li", { class: `chip ${outcome}` }, h("span", { class: "sign", "aria-hidden": "true" }, SIGNS[outcome]),
    variant && h("span", {}, variant), h("span", { class: "word" }, `${outcome === "neutral" ? "" : outcome}${told}`));
}

function question(item, texts) {
  const history = (item.history || []).map(([user, assistant]) => [
    part("Earlier: user", text(user)), part("Earlier: assistant", text(assistant))]);
  const options = item.options && h("ol", { class: "options" }, item.options.map((option, place) => {
    const right = (item.targets || []).some((target) => target === LETTERS[place] || (/^[A-Z]+$/.test(target) && target.includes(LETTERS[place])));
    return h("li", { class: right ? "expected" : "" }, h("b", {}, LETTERS[place] || "·"), " ", option, right && h("span", { class: "hint" }, " expected"));
  }));
  const targets = (item.targets || []).length > 1
    ? h("ul", { class: "values" }, item.targets.map((target) => h("li", {}, text(target))))
    : text((item.targets || [""])[0]);
  return h("div", { class: "question" }, history, part("Question", h("div", {}, text(texts[item.input] ?? ""), options), "main"),
    part("Expected", targets, "target"),
    item.meta && folded("Other columns of the row", () => value(item.meta)));
}

// Most reasons are one line; those of judges are paragraphs.
function told(reason) {
  if (reason.length <= LONG_REASON && !reason.includes("\n")) return h("span", { class: "reason" }, reason);
  return h("div", { class: "reason" }, text(reason, LONG_REASON));
}

function scores(answer) {
  if (!answer.scores) return h("p", { class: "empty" }, "not scored");
  return h("ul", { class: "scores" }, answer.scores.map(([metric, outcome, shown, reason, error]) =>
    h("li", { class: outcome },
      h("span", { class: "sign", title: outcome, role: "img", "aria-label": outcome }, SIGNS[outcome]),
      h("span", { class: metric.includes(".") ? "metric sub" : "metric" }, metric),
      h("span", { class: "figure" }, shown ?? "unknown"),
      reason && told(reason),
      error && error !== answer.error && h("span", { class: "reason error" }, error))));
}

function messages(answer, texts) {
  return h("ol", { class: "messages" }, answer.messages.map(([role, content]) =>
    h("li", { class: role }, h("span", { class: "role" }, role), h("pre", {}, texts[content]))));
}

// The text that the model continued, as its chat template made it of the messages.
function rendered(answer, texts) {
  return h("pre", { class: "rendered" }, answer.rendered.map((piece) => texts[piece]).join(""));
}

// What the model was shown: title and text, then where it stands and how it was found.
function passages(answer, texts) {
  return h("ol", { class: "passages" }, answer.passages.map((passage, place) => {
    const { number = place + 1, title, text: content, gold, cut, ...rest } = passage;
    const body = Array.isArray(content) ? texts[content[0]] : content;
    const order = ["rank", "score", "source", "position", "id"].filter((key) => key in rest);
    const facts = [...order, ...Object.keys(rest).filter((key) => !order.includes(key))];
    return h("li", { class: gold ? "gold" : "" },
      h("span", { class: "number" }, String(number)),
      (title || gold || cut) && h("p", { class: "passage-head" }, title && h("b", {}, String(title)),
        gold && h("span", { class: "passage-tag gold" }, "gold"), cut && h("span", { class: "passage-tag" }, "cut")),
      body != null && value(body),
      h("p", { class: "hint" }, facts.map((key) => `${key} ${typeof rest[key] === "string" ? rest[key] : JSON.stringify(rest[key])}`).join(" · ")));
  }));
}

function route(answer) {
  return h("ol", { class: "route" }, answer.route.map(([variant, reason]) => h("li", {}, h("b", {}, variant), " ", h("span", { class: "hint" }, reason))));
}

function spent(answer) {
  const [read, written] = answer.tokens;
  return [`${read.toLocaleString("en")} tokens in`, `${written.toLocaleString("en")} out`, answer.timing || `${answer.seconds.toFixed(2)} s`,
    answer.finish === "length" && "cut off at the token limit"].filter(Boolean).join(" · ");
}

function extracted(answer) {
  if (answer.unread) return part("Extracted answer", h("p", { class: "reason error" }, `none: ${answer.unread}`));
  if (answer.answer === undefined) return null;
  if (answer.answer === answer.text) return part("Extracted answer", h("p", { class: "empty" }, "the whole reply"));
  return part("Extracted answer", value(answer.answer), "answer");
}

function reply(answer, outcome, shown, texts, open) {
  const likelihoods = answer.logprobs && answer.logprobs.map((logprob, place) => `${LETTERS[place] || place} ${logprob.toFixed(2).replace("-", "−")}`).join(" · ");
  return h("section", { class: `reply ${outcome}`, "aria-label": answer.name },
    h("h4", {}, answer.name, h("ul", { class: "chips" }, chip("", outcome, shown))),
    answer.error && part("Failed", h("p", { class: "reason error" }, answer.error)),
    (answer.text || !answer.error) && part("Reply", likelihoods && !answer.text ? h("p", { class: "empty" }, "chosen by likelihood") : value(answer.text || "")),
    answer.reasoning && folded("Reasoning, which the server kept apart", () => text(answer.reasoning.map((piece) => texts[piece]).join(""))),
    extracted(answer),
    answer.lenient !== undefined && part("Read leniently (not scored)", value(answer.lenient)),
    likelihoods && part("Log-likelihood of the options", h("p", { class: "numbers" }, likelihoods)),
    answer.elsewhere && part("Probability of no option", h("p", { class: "numbers" }, answer.elsewhere)),
    part("Scores", scores(answer)),
    answer.notes && part("Notes", h("ul", { class: "values" }, answer.notes.map((note) => h("li", {}, note)))),
    answer.route && part("Route", route(answer)),
    answer.lookup && part("Retrieval", h("p", {}, answer.lookup, answer.retrieved && h("span", { class: "hint" }, ` (${answer.retrieved})`))),
    answer.passages && folded(`Retrieved passages (${answer.passages.length})`, () => passages(answer, texts)),
    answer.rendered && folded("Prompt as the model read it", () => rendered(answer, texts), open),
    answer.messages && (!answer.rendered || answer.timing) && folded(`Prompt as sent (${answer.messages.length} message${answer.messages.length === 1 ? "" : "s"})`, () => messages(answer, texts), open),
    h("p", { class: "hint" }, spent(answer)));
}

// The item with its answers; `judge` gives an answer's outcome, `link` the address that shows this item alone.
function card(item, answers, { texts, judge, link, alone }) {
  const anchor = !alone && h("a", { href: link, class: "quiet", "aria-label": `Link to item ${item.id}` }, "link");
  const outcomes = item.answers.map((answer) => chip(answer.name, ...judge(item, answer)));
  return h("article", { class: "item", "aria-label": `${item.task} ${item.id}` },
    h("header", {}, h("h3", {}, h("span", { class: "hint" }, `${item.task} `), item.id), anchor || "", h("ul", { class: "chips" }, outcomes)),
    question(item, texts),
    answers.length
      ? h("div", { class: "replies" }, answers.map((answer) => reply(answer, ...judge(item, answer), texts, alone)))
      : h("p", { class: "empty" }, "No answer to this item yet."));
}
