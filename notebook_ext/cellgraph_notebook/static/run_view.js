// @ts-check
import { Clock } from "./run_clock.js";
import { Bar, html, set, write } from "./run_dom.js";
import { GraphView } from "./run_graph.js";
import { JobsView } from "./run_jobs.js";

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
 *   jobs?: import("./run_jobs.js").Job[], job_order?: number[], more_jobs?: string,
 *   child?: [number, number, string, string],
 *   notices?: string[], legend?: Record<string, string>, columns?: string[], elapsed_s?: number}} Message
 * @typedef {{status: string, sub: string, bar: number[], facts: string, where: string, reason: string,
 *   row: string[], log: [string, string]}} Group
 * @typedef {{get(name: string): any, send(message: object): void,
 *   on(event: string, heard: (message: any) => void): void,
 *   off(event: string, heard: (message: any) => void): void}} Model
 */

const SAY_MS = 5000;

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
    const wide = html("div", { class: "cg-wide" }, table);
    this.table = html("div", { class: "cg-row" }, html("details", {}, this.summary, wide));
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
    this.jobs = new JobsView((message) => model.send(message));
    this.bar = new Bar();
    this.label = html("code");
    this.pill = html("span", { class: "cg-pill" });
    this.stop = html("button", { class: "cg-stop cg-push", type: "button" }, "Stop");
    this.totals = html("div");
    const elapsed = html("span", { class: "cg-elapsed cg-push" });
    const line = html("div", { class: "cg-title cg-mute" }, this.totals, elapsed);
    this.said = html("div", { class: "cg-said", role: "status", "aria-live": "polite" });
    this.saidAt = 0;
    this.pickedId = -1;
    /** @type {Map<number, Group>} */
    this.groups = new Map();
    /** @type {Record<string, string>} */
    this.legend = {};
    const title = html("div", { class: "cg-title" }, this.label, this.pill, this.stop);
    const head = html("div", { class: "cg-row" }, title, this.bar.element, line, this.said);
    this.canvas = html("div", { class: "cg-row", hidden: "" }, this.graph.element);
    const rows = [head, this.canvas, this.jobs.element, ...this.below.elements];
    this.element = html("div", { class: "cg-run", role: "group" }, ...rows);
    this.clock = new Clock(this.element, elapsed);
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
    if (message.elapsed_s !== undefined) this.clock.set(message.elapsed_s);
    if (message.graph) {
      this.canvas.hidden = !message.graph.id.length;
      this.graph.draw(message.graph);
      this.below.keepRows(message.graph.id);
      write(this.below.summary, message.graph.table);
    }
    if (message.groups) this.showGroups(message.groups);
    this.jobs.apply(message);
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
    this.clock.turn({ going: head.status === "running" });
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
    if (now === hidden) return;
    model.send({ hidden: (hidden = now) });
    view.clock.turn({ seen: !hidden });
  });
  watch.observe(view.element);
  model.send({ hello: true });
  return () => {
    watch.disconnect();
    view.clock.turn({ seen: false });
    model.off("msg:custom", hear);
  };
}

export default { render };
