// @ts-check
/**
 * The live run view. Python makes all words and coordinates (wire.py); this file puts them in place.
 * Nodes are patched, never replaced, so that clicks, focus and hover survive ten updates a second.
 *
 * @typedef {{label: string, status: string, word: string, bar: number[], parts: [string, string][], said: string}} Head
 * @typedef {{width: number, height: number, id: number[], key: string[], name: string[], title: string[],
 *   chip: string[], x: number[], y: number[], w: number[], h: number[], edge: [number, number][],
 *   path: string[], table: string}} Graph
 * @typedef {{id: number[], status: string[], sub: string[], bar: number[][], facts: string[],
 *   where: string[], reason: string[], row: string[][], log: ([string, string] | null)[]}} Groups
 * @typedef {{who: string, what: string, log: string}} Failure
 * @typedef {{head?: Head, graph?: Graph, groups?: Groups, failures?: Failure[], more?: string,
 *   notices?: string[], legend?: Record<string, string>, columns?: string[]}} Message
 * @typedef {{status: string, sub: string, bar: number[], facts: string, where: string, reason: string,
 *   row: string[], log: [string, string]}} Group
 * @typedef {{title: string, x: number, y: number, width: number, g: SVGElement, box: SVGElement, ring: SVGElement,
 *   glyph: SVGElement, name: SVGElement, sub: SVGElement, chip: SVGElement, track: SVGElement,
 *   parts: SVGElement[]}} Node
 * @typedef {{get(name: string): any, send(message: object): void,
 *   on(event: string, heard: (message: any) => void): void,
 *   off(event: string, heard: (message: any) => void): void}} Model
 */

const BAR = ["reused", "done", "running", "failed", "skipped", "cancelled", "waiting"];
const SAY_MS = 5000;
const INSET = "11";
const SVG = new DOMParser().parseFromString("<svg></svg>", "text/html").querySelector("svg")?.namespaceURI;

/** @type {(tag: string, attributes?: Record<string, string>, ...inside: (Element | string)[]) => any} */
const html = (tag, attributes = {}, ...inside) => fill(document.createElement(tag), attributes, inside);
/** @type {(tag: string, attributes?: Record<string, string>, ...inside: (Element | string)[]) => any} */
const svg = (tag, attributes = {}, ...inside) =>
  fill(document.createElementNS(/** @type {string} */ (SVG), tag), attributes, inside);

/** @type {(element: Element, attributes: Record<string, string>, inside: (Element | string)[]) => Element} */
function fill(element, attributes, inside) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...inside);
  return element;
}

/** @type {(element: Element, text: string) => void} */
function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** @type {(element: Element, name: string, value: string | number) => void} */
function set(element, name, value) {
  if (element.getAttribute(name) !== String(value)) element.setAttribute(name, String(value));
}

/** The stacked bar: one part per status. */
class Bar {
  constructor() {
    /** @type {HTMLElement[]} */
    this.parts = BAR.map((status) => html("i", { class: `cg-part-${status}` }));
    /** @type {HTMLElement} */
    this.element = html("div", { class: "cg-bar", role: "img" }, ...this.parts);
  }

  /** @type {(counts: number[], label: string) => void} */
  show(counts, label) {
    const total = counts.reduce((sum, n) => sum + n, 0) || 1;
    this.parts.forEach((part, n) => {
      const width = `${((100 * counts[n]) / total).toFixed(2)}%`;
      if (part.style.width !== width) part.style.width = width;
      part.style.minWidth = BAR[n] === "failed" && counts[n] ? "2px" : "";
    });
    set(this.element, "aria-label", label);
  }
}

/** The graph: one <g role=button> per group, edges under them. */
class GraphView {
  /** @param {(id: number) => void} pick */
  constructor(pick) {
    this.pick = pick;
    /** @type {Map<number, Node>} */
    this.nodes = new Map();
    /** @type {Map<string, SVGElement>} */
    this.lines = new Map();
    /** @type {[number, number][]} */
    this.edges = [];
    this.drawn = "";
    this.below = svg("g");
    this.above = svg("g");
    this.element = svg("svg", { role: "group" }, this.below, this.above);
  }

  /** @param {Graph} graph */
  draw(graph) {
    const drawn = JSON.stringify(graph);
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    this.edges = graph.edge;
    set(this.element, "viewBox", `0 0 ${graph.width} ${graph.height}`);
    set(this.element, "aria-label", `expression graph: ${graph.id.length} groups`);
    this.drawLines(graph);
    const kept = new Set(graph.id);
    for (const [id, node] of this.nodes) if (!kept.has(id)) node.g.remove(), this.nodes.delete(id);
    graph.id.forEach((id, n) => this.drawNode(id, graph, n));
  }

  /** @param {Graph} graph */
  drawLines(graph) {
    const before = this.lines;
    this.lines = new Map();
    graph.edge.forEach(([from, to], n) => {
      const key = `${from}-${to}`;
      const line = before.get(key) ?? this.below.appendChild(svg("path", { class: "cg-edge" }));
      before.delete(key);
      set(line, "d", graph.path[n]);
      this.lines.set(key, line);
    });
    for (const line of before.values()) line.remove();
  }

  /** @type {(id: number, graph: Graph, n: number) => void} */
  drawNode(id, graph, n) {
    let node = this.nodes.get(id);
    if (!node) this.nodes.set(id, (node = this.node(id)));
    const [x, y, w, h] = [graph.x[n], graph.y[n], graph.w[n], graph.h[n]];
    Object.assign(node, { title: graph.title[n], x, y, width: w });
    node.g.style.transform = `translate(${x}px,${y}px)`;
    set(node.g, "data-key", graph.key[n]);
    for (const rect of [node.box, node.ring]) {
      set(rect, "width", rect === node.ring ? w + 6 : w);
      set(rect, "height", rect === node.ring ? h + 6 : h);
    }
    set(node.chip, "x", w - 10);
    set(node.track, "width", w - 16);
    for (const rect of [node.track, ...node.parts]) set(rect, "y", h - 6.5);
    write(node.name, ` ${graph.name[n]}`);
    write(node.chip, graph.chip[n]);
  }

  /** @type {(id: number) => Node} */
  node(id) {
    const box = svg("rect", { class: "cg-box", rx: "6" });
    const ring = svg("rect", { class: "cg-ring", rx: "8", x: "-3", y: "-3" });
    const [glyph, name] = [svg("tspan", { class: "cg-glyph" }), svg("tspan")];
    const sub = svg("text", { class: "cg-small", x: INSET, y: "33" });
    const chip = svg("text", { class: "cg-small", y: "18", "text-anchor": "end" });
    const track = svg("rect", { class: "cg-track", x: "8", height: "2.5", rx: "1.2" });
    const parts = BAR.map((s) => svg("rect", { class: `cg-part-${s}`, height: "2.5" }));
    const text = svg("text", { class: "cg-name", x: INSET, y: "18" }, glyph, name);
    const button = { class: "cg-node", role: "button", tabindex: "0", "aria-expanded": "false" };
    const g = svg("g", button, box, ring, text, sub, chip, track, ...parts);
    g.addEventListener("click", () => this.pick(id));
    g.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => this.key(id, event));
    this.above.append(g);
    return { title: "", x: 0, y: 0, width: 0, g, box, ring, glyph, name, sub, chip, track, parts };
  }

  /** @type {(id: number, group: Group, legend: Record<string, string>) => void} */
  show(id, group, legend) {
    const node = this.nodes.get(id);
    if (!node) return;
    set(node.g, "data-status", group.status);
    set(node.g, "aria-label", `${node.title}: ${group.facts || group.status}`);
    write(node.glyph, legend[group.status] ?? "");
    write(node.sub, group.sub);
    const total = group.bar.reduce((sum, n) => sum + n, 0) || 1;
    let x = 8;
    group.bar.forEach((count, n) => {
      const least = BAR[n] === "failed" && count ? 2 : 0;
      const width = Math.max(least, ((node.width - 16) * count) / total);
      set(node.parts[n], "x", x.toFixed(2));
      set(node.parts[n], "width", width.toFixed(2));
      x += width;
    });
    for (const [from, to] of this.edges) {
      if (to === id) set(/** @type {Element} */ (this.lines.get(`${from}-${to}`)), "data-status", group.status);
    }
  }

  /** Enter and space open; arrows walk along edges, or up and down.
   * @type {(id: number, event: KeyboardEvent) => void} */
  key(id, event) {
    if (event.key === "Enter" || event.key === " ") this.pick(id);
    else if (event.key === "ArrowRight") this.focus(this.edges.find(([from]) => from === id)?.[1]);
    else if (event.key === "ArrowLeft") this.focus(this.edges.find(([, to]) => to === id)?.[0]);
    else if (event.key === "ArrowDown" || event.key === "ArrowUp") this.walk(id, event.key === "ArrowDown");
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** @type {(id: number, down: boolean) => void} */
  walk(id, down) {
    const from = /** @type {Node} */ (this.nodes.get(id));
    const step = (/** @type {Node} */ node) => (down ? node.y - from.y : from.y - node.y);
    const far = (/** @type {Node} */ node) => step(node) + 3 * Math.abs(node.x - from.x);
    const next = [...this.nodes.values()].filter((node) => step(node) > 1);
    next.sort((a, b) => far(a) - far(b))[0]?.g.focus();
  }

  /** @type {(id: number | undefined) => void} */
  focus(id) {
    this.nodes.get(id ?? -1)?.g.focus();
  }
}

/** The rows under the graph: one picked group, failures, notices, the table. */
class Below {
  constructor() {
    this.bar = new Bar();
    this.name = html("b", { class: "cg-strong" });
    this.facts = html("span", { class: "cg-mute cg-push" });
    this.reason = html("div", { class: "cg-mute" });
    this.log = html("pre", { class: "cg-log" });
    this.where = html("span", { class: "cg-mute" });
    const title = html("div", { class: "cg-title" }, this.name, this.where, this.facts);
    this.picked = html("div", { class: "cg-row", hidden: "" }, title, this.bar.element, this.reason, this.log);
    this.list = html("ul", { class: "cg-list" });
    this.more = html("div", { class: "cg-mute" });
    this.failed = html("div", { class: "cg-row", hidden: "" }, this.list, this.more);
    this.said = html("ul", { class: "cg-list" });
    this.notices = html("div", { class: "cg-row", hidden: "" }, this.said);
    this.summary = html("summary");
    this.body = html("tbody");
    this.columns = html("tr");
    const table = html("table", { class: "cg-table" }, html("thead", {}, this.columns), this.body);
    this.table = html("div", { class: "cg-row" }, html("details", {}, this.summary, table));
    this.elements = [this.failed, this.picked, this.notices, this.table];
    /** @type {Map<number, HTMLElement>} */
    this.rows = new Map();
  }

  /** @type {(title: string, group: Group) => void} */
  showGroup(title, group) {
    write(this.name, title);
    write(this.where, group.where);
    write(this.facts, group.facts);
    this.bar.show(group.bar, group.facts);
    write(this.reason, group.reason ? `Ran because: ${group.reason}` : "");
    const [whose, log] = group.log;
    write(this.log, log ? `${whose}\n${log}` : "");
    this.log.hidden = !log;
  }

  /** @type {(failures: Failure[], more: string) => void} */
  showFailures(failures, more) {
    this.failed.hidden = !failures.length;
    failures.forEach((failure, n) => {
      const item = this.list.children[n] ?? this.list.appendChild(failureItem());
      const [who, what, dot, link, log] = item.children;
      write(who, `✕ ${failure.who}`);
      write(what, ` ${failure.what}`);
      write(log, failure.log);
      dot.hidden = link.hidden = !failure.log;
    });
    write(this.more, more);
  }

  /** @param {string[]} notices */
  showNotices(notices) {
    this.notices.hidden = !notices.length;
    notices.forEach((text, n) => write(this.said.children[n] ?? this.said.appendChild(html("li")), text));
  }

  /** @type {(id: number, cells: string[]) => void} */
  showRow(id, cells) {
    let row = this.rows.get(id);
    if (!row) this.rows.set(id, (row = html("tr", {}, ...cells.map(() => html("td")))));
    if (!row?.isConnected) this.body.append(row);
    cells.forEach((text, n) => write(/** @type {any} */ (row).children[n], text));
  }

  /** @param {number[]} ids */
  keepRows(ids) {
    const kept = new Set(ids);
    for (const [id, row] of this.rows) if (!kept.has(id)) row.remove();
  }
}

function failureItem() {
  const log = html("pre", { class: "cg-log", hidden: "" });
  const link = html("button", { class: "cg-link", type: "button", "aria-expanded": "false" }, "log");
  link.addEventListener("click", () => {
    log.hidden = !log.hidden;
    set(link, "aria-expanded", String(!log.hidden));
  });
  return html("li", {}, html("b", { class: "cg-failed" }), html("span"), html("span", {}, " · "), link, log);
}

class View {
  /** @param {Model} model */
  constructor(model) {
    this.graph = new GraphView((id) => this.pick(id));
    this.below = new Below();
    this.bar = new Bar();
    this.label = html("code");
    this.pill = html("span", { class: "cg-pill" });
    this.stop = html("button", { class: "cg-stop cg-push", type: "button" }, "Stop");
    this.totals = html("div", { class: "cg-mute" });
    this.said = html("div", { class: "cg-said", role: "status", "aria-live": "polite" });
    this.saidAt = 0;
    this.pickedId = -1;
    /** @type {Map<number, Group>} */
    this.groups = new Map();
    /** @type {Record<string, string>} */
    this.legend = {};
    const title = html("div", { class: "cg-title" }, this.label, this.pill, this.stop);
    const head = html("div", { class: "cg-row" }, title, this.bar.element, this.totals, this.said);
    this.canvas = html("div", { class: "cg-row", hidden: "" }, this.graph.element);
    this.element = html("div", { class: "cg-run", role: "group" }, head, this.canvas, ...this.below.elements);
    this.stop.addEventListener("click", () => {
      this.stop.disabled = true;
      write(this.stop, "Stopping…");
      model.send({ stop: true });
    });
  }

  /** @param {Message} message */
  apply(message) {
    this.legend = message.legend ?? this.legend;
    if (message.columns) this.below.columns.replaceChildren(...message.columns.map((c) => html("th", {}, c)));
    if (message.head) this.showHead(message.head);
    if (message.graph) {
      this.canvas.hidden = !message.graph.id.length;
      this.graph.draw(message.graph);
      this.below.keepRows(message.graph.id);
      write(this.below.summary, message.graph.table);
    }
    if (message.groups) this.showGroups(message.groups);
    if (message.failures) this.below.showFailures(message.failures, message.more ?? "");
    if (message.notices) this.below.showNotices(message.notices);
  }

  /** @param {Head} head */
  showHead(head) {
    write(this.label, head.label);
    set(this.label, "title", head.label);
    set(this.element, "aria-label", `Run of ${head.label}`);
    write(this.pill, head.word);
    set(this.pill, "data-status", head.status);
    this.stop.hidden = head.status !== "running";
    this.bar.show(head.bar, head.said);
    head.parts.forEach(([text, tone], n) => {
      const part = this.totals.children[n] ?? this.totals.appendChild(html("span"));
      set(part, "class", tone && `cg-${tone}`);
      write(part, text);
    });
    while (this.totals.children.length > head.parts.length) this.totals.lastChild.remove();
    const now = performance.now();
    if (now - this.saidAt >= SAY_MS || head.status !== "running" || !this.saidAt) {
      this.saidAt = now;
      write(this.said, head.said);
    }
  }

  /** @param {Groups} groups */
  showGroups(groups) {
    groups.id.forEach((id, n) => {
      const log = groups.log[n] ?? this.groups.get(id)?.log ?? ["", ""];
      /** @type {Group} */
      const group = {
        status: groups.status[n], sub: groups.sub[n], bar: groups.bar[n], facts: groups.facts[n],
        where: groups.where[n], reason: groups.reason[n], row: groups.row[n], log,
      };
      this.groups.set(id, group);
      this.graph.show(id, group, this.legend);
      this.below.showRow(id, group.row);
      if (id === this.pickedId) this.below.showGroup(this.graph.nodes.get(id)?.title ?? "", group);
    });
  }

  /** @param {number} id */
  pick(id) {
    const group = this.groups.get(id);
    this.pickedId = this.pickedId === id || !group ? -1 : id;
    for (const [at, node] of this.graph.nodes) set(node.g, "aria-expanded", String(at === this.pickedId));
    this.below.picked.hidden = this.pickedId < 0;
    if (group && this.pickedId >= 0) this.below.showGroup(this.graph.nodes.get(id)?.title ?? "", group);
  }
}

/** @type {(context: {model: Model, el: HTMLElement}) => () => void} */
function render({ model, el }) {
  const view = new View(model);
  el.append(view.element);
  const hear = (/** @type {Message} */ message) => view.apply(message);
  view.apply(model.get("state"));
  model.on("msg:custom", hear);
  let hidden = false;
  const watch = new IntersectionObserver((entries) => {
    const now = !entries[entries.length - 1].isIntersecting;
    if (now !== hidden) model.send({ hidden: (hidden = now) });
  });
  watch.observe(view.element);
  model.send({ hello: true });
  return () => {
    watch.disconnect();
    model.off("msg:custom", hear);
  };
}

export default { render };
