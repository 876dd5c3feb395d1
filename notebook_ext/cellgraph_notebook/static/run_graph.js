// @ts-check
import { BAR, set, svg, write } from "./run_dom.js";

/** @typedef {import("./run_view.js").Graph} Graph */
/** @typedef {import("./run_view.js").Group} Group */
/**
 * @typedef {{title: string, x: number, y: number, width: number, g: SVGElement, box: SVGElement, ring: SVGElement,
 *   glyph: SVGElement, name: SVGElement, sub: SVGElement, chip: SVGElement, track: SVGElement,
 *   parts: SVGElement[]}} Node
 */

const INSET = "11";

/** The graph: one <g role=button> per group, edges under them. */
export class GraphView {
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
