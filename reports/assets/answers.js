// One item whole: the question, what is expected, and the variants' answers side by side.

const LOCATING = ["rank", "score", "source", "position", "id"]; // where a passage stands and how it was found

function chip(variant, outcome, shown) {
  const word = outcome === "neutral" || outcome === "none" ? "" : say(outcome);
  const figure = shown && !/^(100|0) %$/.test(shown) ? ` ${shown}` : "";
  return h("li", { class: `chip ${outcome}` }, h("span", { class: "sign", "aria-hidden": "true" }, SIGNS[outcome]),
    variant && h("span", {}, variant), h("span", { class: "word" }, `${word}${figure}`));
}

function question(item) {
  const history = (item.history || []).map(([user, assistant]) => [
    part(say("earlier_user"), text(user)), part(say("earlier_assistant"), text(assistant))]);
  const options = item.options && h("ol", { class: "options" }, item.options.map((option, place) => {
    const right = (item.targets || []).some((target) => target === LETTERS[place] || (/^[A-Z]+$/.test(target) && target.includes(LETTERS[place])));
    return h("li", { class: right ? "expected" : "" }, h("b", {}, LETTERS[place] || "·"), " ", option, right && h("span", { class: "hint" }, ` ${say("expected_option")}`));
  }));
  const targets = (item.targets || []).length > 1
    ? h("ul", { class: "values" }, item.targets.map((target) => h("li", {}, text(target))))
    : text((item.targets || [""])[0]);
  return h("div", { class: "question" }, history, part(say("question"), h("div", {}, text(item.texts[item.input] ?? ""), options), "main"),
    part(say("expected"), targets, "target"),
    item.meta && folded(say("other_columns"), () => value(item.meta)));
}

// Most reasons are one line; those of judges are paragraphs.
function reason(content) {
  if (content.length <= LONG_REASON && !content.includes("\n")) return h("span", { class: "reason" }, content);
  return h("div", { class: "reason" }, text(content, LONG_REASON));
}

function scores(answer) {
  if (!answer.scores) return h("p", { class: "empty" }, say("not_scored"));
  return h("ul", { class: "scores", tabindex: 0, "data-explain": say("score_explained") }, answer.scores.map(([metric, outcome, shown, why, error]) =>
    h("li", { class: outcome },
      h("span", { class: "sign", title: say(outcome), role: "img", "aria-label": say(outcome) }, SIGNS[outcome]),
      h("span", { class: metric.includes(".") ? "metric sub" : "metric" }, metric),
      h("span", { class: "figure" }, shown ?? say("unknown")),
      why && reason(why),
      error && error !== answer.error && h("span", { class: "reason error" }, error))));
}

const joined = (item, pieces) => pieces.map((piece) => item.texts[piece]).join("");

function messages(answer, item) {
  return h("ol", { class: "messages" }, answer.messages.map(([role, pieces]) =>
    h("li", { class: role }, h("span", { class: "role" }, role), h("pre", {}, joined(item, pieces)))));
}

// The text that the model continued, as its chat template made it of the messages.
function renderedText(answer, item) {
  return answer.rendered.map((piece) => (Array.isArray(piece) ? joined(item, answer.messages[piece[0]][1]).trim() : item.texts[piece])).join("");
}

// A passage with the right answers marked where they stand in it, word for word.
function withHits(content, item) {
  const hits = (item.targets || []).filter((target) => target.length > 1 && content.toLowerCase().includes(target.toLowerCase()));
  if (!hits.length) return text(content);
  const pattern = new RegExp(`(${hits.sort((one, other) => other.length - one.length).map((hit) => hit.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|")})`, "giu");
  return text(content, LONG, content.split(pattern).map((piece, place) => (place % 2 ? h("mark", {}, piece) : piece)));
}

// What the model was shown: title and text, then where it stands and how it was found.
function passages(answer, item) {
  return h("ol", { class: "passages" }, answer.passages.map((passage, place) => {
    const { number = place + 1, title, text: content, gold, cut, ...rest } = passage;
    const body = Array.isArray(content) ? item.texts[content[0]] : content;
    const order = LOCATING.filter((key) => key in rest);
    const facts = [...order, ...Object.keys(rest).filter((key) => !order.includes(key))];
    return h("li", { class: gold ? "gold" : "" },
      h("span", { class: "number" }, String(number)),
      (title || gold || cut) && h("p", { class: "passage-head" }, title && h("b", {}, String(title)),
        gold && h("span", { class: "passage-tag gold" }, say("gold")), cut && h("span", { class: "passage-tag" }, say("cut"))),
      body != null && (typeof body === "string" ? withHits(body, item) : value(body)),
      h("p", { class: "hint" }, facts.map((key) => `${key} ${typeof rest[key] === "string" ? rest[key] : JSON.stringify(rest[key])}`).join(" · ")));
  }));
}

function route(answer, item) {
  return h("ol", { class: "route" }, answer.route.map(([variant, why]) => h("li", {}, h("b", {}, variant), " ", h("span", { class: "hint" }, item.texts[why[language()]]))));
}

function spent(answer, item) {
  if (!answer.tokens) return "";
  const [read, written] = answer.tokens;
  return [say("tokens_in", { count: grouped(read), n: read }), say("tokens_out", { count: grouped(written), n: written }),
    answer.timing ? item.texts[answer.timing[language()]] : say("seconds", { count: Number(answer.seconds).toFixed(2) }),
    answer.finish === "length" && say("cut_off")].filter(Boolean).join(" · ");
}

// What is compared between answers: what was extracted, or the reply where nothing was.
const comparable = (answer) => (answer.answer === undefined ? answer.text ?? "" : typeof answer.answer === "string" ? answer.answer : JSON.stringify(answer.answer, null, 1));

// The reply and what was extracted of it; `other` is the text that differences are marked against, null for none.
function said(answer, likelihoods, other) {
  const content = comparable(answer);
  const marks = other === null || answer.error ? null : marked(content, other);
  const shown = marks ? text(content, LONG, marks) : null;
  const isDifferent = other !== null && marks === null && content !== "" && !answer.error;
  const note = isDifferent && h("p", { class: "hint" }, say("too_different"));
  const isWhole = answer.answer === undefined || answer.answer === answer.text;
  const reply = likelihoods && !answer.text ? h("p", { class: "empty" }, say("by_likelihood")) : (isWhole && shown) || value(answer.text || "");
  return [(answer.text || !answer.error) && part(say("reply"), [reply, isWhole && note], isWhole ? "answer-text" : ""),
    answer.unread ? part(say("extracted"), h("p", { class: "reason error" }, say("none_extracted", { reason: answer.unread })))
      : answer.answer !== undefined && (isWhole ? part(say("extracted"), h("p", { class: "empty" }, say("whole_reply")))
        : part(say("extracted"), [shown || value(answer.answer), note], "answer-text"))];
}

function reply(answer, item, judgement, other) {
  const likelihoods = answer.logprobs && answer.logprobs.map((logprob, place) => `${LETTERS[place] || place} ${Number(logprob).toFixed(2).replace("-", "−")}`).join(" · ");
  return h("section", { class: `reply ${judgement[0]}`, "aria-label": answer.variant },
    h("h4", {}, answer.variant, h("ul", { class: "chips" }, chip("", ...judgement))),
    answer.error && part(say("failed"), h("p", { class: "reason error" }, answer.error)),
    said(answer, likelihoods, other),
    answer.reasoning && folded(say("reasoning"), () => text(joined(item, answer.reasoning))),
    answer.lenient !== undefined && part(say("lenient"), value(answer.lenient)),
    likelihoods && part(say("likelihoods"), h("p", { class: "numbers" }, likelihoods), "", say("likelihoods_explained")),
    answer.elsewhere && part(say("elsewhere"), h("p", { class: "numbers" }, answer.elsewhere), "", say("elsewhere_explained")),
    part(say("scores"), scores(answer)),
    answer.notes && part(say("notes"), h("ul", { class: "values" }, answer.notes.map((note) => h("li", {}, note)))),
    answer.route && part(say("route"), route(answer, item)),
    answer.lookup && part(say("retrieval"), h("p", {}, item.texts[answer.lookup[language()]], answer.retrieved && h("span", { class: "hint" }, ` (${say(`retrieved_${answer.retrieved.replaceAll(" ", "_")}`)})`))),
    answer.passages && folded(say("passages", { count: answer.passages.length }), () => passages(answer, item)),
    answer.rendered && folded(say("prompt_read"), () => h("pre", { class: "rendered" }, renderedText(answer, item))),
    answer.messages && (!answer.rendered || answer.timing) && folded(say("prompt_sent", { n: answer.messages.length }), () => messages(answer, item)),
    h("p", { class: "hint", tabindex: 0, "data-explain": say("spent_explained") }, spent(answer, item)));
}
