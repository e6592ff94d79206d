// The items of the page: the matrix at once, and chunks of whole items, unpacked (or asked for) when they are read.

const KEPT = 6; // chunks that stay unpacked
const served = byId("data").dataset.source; // the folder that a server answers from, where the page does not hold the items

async function unpack(element) {
  const packed = atob(element.textContent);
  const bytes = new Uint8Array(packed.length);
  for (let place = 0; place < packed.length; place += 1) bytes[place] = packed.charCodeAt(place);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const content = await new Response(stream).arrayBuffer();
  return JSON.parse(new TextDecoder(byId("data").dataset.encoding).decode(content));
}

class PackedItems {
  constructor(matrix) {
    this.size = matrix.chunk;
    this.total = matrix.ids.length;
    this.elements = document.getElementsByClassName("chunk");
    this.kept = new Map(); // by number, the one used last at the end
  }

  get chunks() { return Math.ceil(this.total / this.size); }

  // Whether the items can be read at all: a page without them needs its server.
  get readable() { return !served || location.protocol !== "file:"; }

  async item(place) {
    const content = await this.chunk(Math.floor(place / this.size));
    return content.items[place % this.size];
  }

  chunk(number) {
    const content = this.kept.get(number) ?? this.load(number);
    content.catch(() => this.kept.delete(number)); // what failed is asked for again
    this.kept.delete(number);
    this.kept.set(number, content);
    if (this.kept.size > KEPT) this.kept.delete(this.kept.keys().next().value);
    return content;
  }

  async load(number) {
    if (!this.readable) throw new Error(say("needs_server"));
    const content = await (served ? this.ask(number) : unpack(this.elements[number]));
    const shared = served ? [] : await (this.shared ??= unpack(byId("shared-texts")));
    const texts = content.texts.map((entry) => (typeof entry === "number" ? shared[entry] : entry));
    for (const item of content.items) for (const answer of item.answers) if (answer.whole) answer.answer = answer.text;
    content.items.forEach((item) => { item.texts = texts; });
    return content;
  }

  async ask(number) {
    const first = number * this.size;
    const reply = await fetch(`${served}/${first}-${Math.min(first + this.size, this.total) - 1}`);
    if (!reply.ok) throw new Error(say("server_failed", { status: reply.status }));
    return reply.json();
  }
}
