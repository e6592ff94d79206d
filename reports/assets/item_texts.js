// What a search looks through: ids and beginnings of questions at once, everything else as the chunks are unpacked.

class ItemTexts {
  constructor(matrix, items) {
    this.items = items;
    this.whole = new Array(matrix.total); // lower-case text of an item, once its chunk was unpacked
    this.beginnings = matrix.ids.map((id, place) => `${id}\n${matrix.excerpts[place]}`.toLowerCase());
    this.next = 0; // chunk
  }

  get complete() { return this.next >= this.items.chunks || !this.items.readable; }

  matches(place, wanted) { return (this.whole[place] ?? this.beginnings[place]).includes(wanted); }

  // Unpack what is left, and tell after each share of a second how far it is; stops when `wanted` says so.
  async read(wanted, tell) {
    let told = performance.now();
    while (!this.complete && wanted()) {
      const number = this.next;
      const { items } = await this.items.chunk(number);
      items.forEach((item, at) => { this.whole[number * this.items.size + at] = ItemTexts.of(item); });
      this.next = Math.max(this.next, number + 1);
      if (performance.now() - told > 250) { told = performance.now(); tell(this.next / this.items.chunks); await new Promise((done) => { setTimeout(done); }); }
    }
  }

  static of(item) {
    return [item.id, item.texts[item.input], ...(item.targets || []), ...(item.options || []), ...item.answers.flatMap((answer) =>
      [answer.text, answer.whole ? "" : typeof answer.answer === "string" ? answer.answer : JSON.stringify(answer.answer)])].join("\n").toLowerCase();
  }
}
