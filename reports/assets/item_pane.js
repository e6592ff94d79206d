// The open item beside the matrix: its answers, what they are compared with, and the way to the next.

class ItemPane {
  constructor(matrix, actions) {
    this.matrix = matrix;
    this.actions = actions; // close, step, change, copy
  }

  bind() { this.element = byId("item"); }

  hide() { this.element.hidden = true; this.element.replaceChildren(); }

  message(content) {
    this.element.hidden = false;
    this.element.replaceChildren(this.bar(""), h("p", { class: "note" }, content));
  }

  bar(title) {
    const button = (name, label, action, extra = {}) => {
      const element = h("button", { type: "button", class: "quiet", id: `item-${name}`, "aria-label": label, title: label, ...extra }, extra.text ?? label);
      element.removeAttribute("text");
      element.addEventListener("click", action);
      return element;
    };
    return h("header", { class: "item-bar" }, h("h3", { tabindex: -1 }, title), h("span", { class: "actions" },
      button("previous", say("previous"), () => this.actions.step(-1), { text: "↑" }), button("next", say("next"), () => this.actions.step(1), { text: "↓" }),
      button("json", say("copy_json"), () => this.actions.copy()), button("close", say("close"), () => this.actions.close(), { text: "✕" })));
  }

  show(item, selection) {
    const { state } = selection;
    this.item = item;
    const place = this.matrix.place(`${item.task}/${item.id}`);
    const columns = selection.shown.map((column) => this.matrix.columns[column]);
    const answers = item.answers.filter((answer) => columns.includes(answer.variant));
    const judgement = (answer) => {
      const column = this.matrix.columns.indexOf(answer.variant);
      const code = selection.codes[column][place];
      return [OUTCOMES[code], code === 4 ? null : this.matrix.figure(selection.values[column][place], this.matrix.scale(place, selection.metric) ?? {})];
    };
    const card = h("article", { class: "item", "aria-label": `${item.task} ${item.id}` }, question(item),
      answers.length > 0 && this.comparison(item, state),
      answers.length
        ? h("div", { class: "replies" }, answers.map((answer) => reply(answer, item, judgement(answer), this.other(item, answer, state.against))))
        : h("p", { class: "empty" }, say("no_answer")));
    const top = this.shownItem === item ? this.element.scrollTop : 0;
    this.shownItem = item;
    this.element.hidden = false;
    this.element.replaceChildren(this.bar([h("span", { class: "hint" }, `${item.task} `), item.id]), card);
    this.element.scrollTop = top;
  }

  // The text that an answer's differences are marked against: the nearest target, another variant's answer, or none.
  other(item, answer, against) {
    if (against === "none") return null;
    if (against && item.answers.some((candidate) => candidate.variant === against)) {
      return against === answer.variant ? null : comparable(item.answers.find((candidate) => candidate.variant === against));
    }
    const targets = (item.targets || []).filter((target) => target !== "");
    if (!targets.length || comparable(answer) === "") return null;
    const content = comparable(answer);
    return targets.length === 1 ? targets[0] : targets.reduce((best, target) => (likeness(content, target) > likeness(content, best) ? target : best));
  }

  comparison(item, state) {
    const choice = h("select", { id: "against" }, h("option", { value: "" }, say("against_target")),
      item.answers.map((answer) => h("option", { value: answer.variant, selected: state.against === answer.variant }, answer.variant)),
      h("option", { value: "none", selected: state.against === "none" }, say("against_none")));
    choice.addEventListener("change", () => this.actions.change({ against: choice.value }));
    return h("div", { class: "comparison" }, h("label", {}, say("against"), " ", choice),
      state.against !== "none" && h("p", { class: "hint" }, h("ins", { tabindex: 0, "data-explain": say("extra_explained") }, say("legend_extra")), " ", h("del", { tabindex: 0, "data-explain": say("missing_explained") }, say("legend_missing"))));
  }

  // Bring a variant's answer into sight.
  reveal(variant) {
    [...this.element.querySelectorAll(".reply")].find((section) => section.getAttribute("aria-label") === variant)?.scrollIntoView({ block: "nearest" });
  }
}
