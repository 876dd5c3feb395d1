// @ts-check
import { Bar, html, set, write } from "./run_dom.js";

/**
 * Jobs on other machines: a row each. An array is a strip with one cell per child, painted on a canvas
 * (ten thousand elements would be slow); a click, or Enter on a cell chosen by arrow keys, asks for the
 * child's log.
 *
 * @typedef {{number: number, id: string, name: string, where: string, facts: string, status: string,
 *   open: boolean, bar: number[], cells: string, failed: [number, string, string][]}} Job
 */

const PITCHES = [16, 12, 9, 7, 5, 4, 3];
const TALLEST = 108;
// As statuses.py numbers them.
const CODES = ["waiting", "running", "done", "reused", "failed", "skipped", "cancelled"];
const FAILED = String(CODES.indexOf("failed"));

/** The largest cells with which so many children fit (strip.py does the same for the settled picture).
 * @type {(children: number, width: number) => {pitch: number, columns: number, rows: number}} */
function shape(children, width) {
  let found = { pitch: 3, columns: 1, rows: children };
  for (const pitch of PITCHES) {
    const columns = Math.max(1, Math.floor(width / pitch));
    found = { pitch, columns, rows: Math.ceil(children / columns) };
    if (found.rows * pitch <= TALLEST) break;
  }
  return found;
}

/** The cells of one array. */
class Strip {
  /** @param {(child: number) => void} pick */
  constructor(pick) {
    this.pick = pick;
    this.cells = "";
    this.tone = "";
    this.at = 0;
    this.shape = shape(1, 1);
    this.canvas = html("canvas", { class: "cg-cells", tabindex: "0", role: "img" });
    this.mark = html("i", { class: "cg-mark", hidden: "" });
    this.element = html("div", { class: "cg-strip", hidden: "" }, this.canvas, this.mark);
    this.probes = CODES.map((code) => html("i", { class: `cg-part-${code}`, hidden: "" }));
    this.element.append(...this.probes);
    this.canvas.addEventListener("click", (/** @type {MouseEvent} */ e) => this.choose(this.under(e)));
    this.canvas.addEventListener("mousemove", (/** @type {MouseEvent} */ e) => this.hover(this.under(e)));
    this.canvas.addEventListener("keydown", (/** @type {KeyboardEvent} */ e) => this.key(e));
    this.canvas.addEventListener("blur", () => (this.mark.hidden = true));
    new ResizeObserver(() => this.paint()).observe(this.element);
  }

  /** @type {(cells: string, label: string) => void} */
  show(cells, label) {
    this.element.hidden = !cells;
    set(this.canvas, "aria-label", `${cells.length} children: ${label}`);
    const tone = getComputedStyle(this.probes[1]).backgroundColor; // another one in another theme
    if (cells === this.cells && tone === this.tone) return;
    Object.assign(this, { cells, tone });
    this.paint();
  }

  paint() {
    const width = this.element.clientWidth;
    if (!width || !this.cells) return;
    const { pitch, columns, rows } = (this.shape = shape(this.cells.length, width));
    const [scale, gap] = [window.devicePixelRatio || 1, pitch > PITCHES[PITCHES.length - 1] ? 1 : 0];
    this.canvas.width = Math.round(width * scale);
    this.canvas.height = Math.round(rows * pitch * scale);
    this.canvas.style.height = `${rows * pitch}px`;
    const pen = this.canvas.getContext("2d");
    pen.scale(scale, scale);
    const colours = this.probes.map((probe) => getComputedStyle(probe).backgroundColor);
    const size = pitch - gap;
    const cell = (/** @type {number} */ n, /** @type {number} */ more) => {
      pen.fillStyle = colours[this.cells.charCodeAt(n) - 48];
      pen.fillRect((n % columns) * pitch - more, Math.floor(n / columns) * pitch - more, size + 2 * more, size + 2 * more);
    };
    for (let n = 0; n < this.cells.length; n++) cell(n, 0);
    // A failure among thousands must not be smaller than the eye.
    const more = pitch < 6 ? 1 : 0;
    for (let n = this.cells.indexOf(FAILED); more && n >= 0; n = this.cells.indexOf(FAILED, n + 1)) cell(n, more);
  }

  /** The child under the pointer; -1: none.
   * @type {(event: MouseEvent) => number} */
  under(event) {
    const { pitch, columns } = this.shape;
    const column = Math.floor(event.offsetX / pitch);
    const child = Math.floor(event.offsetY / pitch) * columns + column;
    return column < columns && child < this.cells.length ? child : -1;
  }

  /** @param {number} child */
  hover(child) {
    const word = child < 0 ? "" : `child ${child}: ${CODES[this.cells.charCodeAt(child) - 48]}`;
    set(this.canvas, "title", word);
  }

  /** @param {number} child */
  choose(child) {
    if (child < 0) return;
    this.point(child);
    this.pick(child);
  }

  /** @param {number} child */
  point(child) {
    const { pitch, columns } = this.shape;
    this.at = Math.min(Math.max(0, child), this.cells.length - 1);
    const [x, y] = [(this.at % columns) * pitch, Math.floor(this.at / columns) * pitch];
    const style = { left: `${x - 1}px`, top: `${y - 1}px`, width: `${pitch}px`, height: `${pitch}px` };
    Object.assign(this.mark.style, style);
    this.mark.hidden = false;
    this.hover(this.at);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const { columns } = this.shape;
    /** @type {Record<string, number>} */
    const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns };
    if (event.key === "Enter" || event.key === " ") this.choose(this.at);
    else if (event.key in steps) this.point(this.at + (this.mark.hidden ? 0 : steps[event.key]));
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

/** One job. */
class JobRow {
  /** @type {(number: number, send: (message: object) => void) => void} */
  constructor(number, send) {
    const ask = (/** @type {number} */ child) => send({ child: [number, child] });
    this.ask = ask;
    this.id = "";
    this.name = html("b", { class: "cg-strong" });
    this.where = html("span", { class: "cg-mute" });
    this.facts = html("span", { class: "cg-mute cg-push" });
    this.copy = html("button", { class: "cg-link cg-mute", type: "button", title: "copy the job's id" }, "id");
    this.cancel = html("button", { class: "cg-link cg-mute", type: "button" }, "cancel");
    const goesOn = "end this run; the job goes on, and evaluating again waits for it";
    this.detach = html("button", { class: "cg-link cg-mute", type: "button", title: goesOn }, "detach");
    this.again = html("button", { class: "cg-link cg-mute", type: "button" }, "run again");
    const buttons = [this.copy, this.again, this.detach, this.cancel];
    const what = html("span", { class: "cg-title" }, this.name, this.where, ...buttons);
    const title = html("div", { class: "cg-title" }, what, this.facts);
    this.strip = new Strip(ask);
    this.bar = new Bar();
    this.list = html("ul", { class: "cg-list" });
    this.about = html("div", { class: "cg-mute", hidden: "" });
    this.log = html("pre", { class: "cg-log", hidden: "" });
    const parts = [title, this.strip.element, this.bar.element, this.list, this.about, this.log];
    this.element = html("div", { class: "cg-row cg-job" }, ...parts);
    this.copy.addEventListener("click", () => {
      navigator.clipboard?.writeText(this.id).then(() => write(this.copy, "id copied"));
    });
    this.cancel.addEventListener("click", () => {
      this.cancel.disabled = true;
      write(this.cancel, "cancelling…");
      send({ cancel: number });
    });
    this.again.addEventListener("click", () => {
      this.again.disabled = true;
      send({ again: number });
    });
    this.detach.addEventListener("click", () => {
      this.detach.disabled = true;
      send({ detach: true });
    });
  }

  /** @param {Job} job */
  show(job) {
    this.id = job.id;
    set(this.element, "data-job", job.id);
    set(this.element, "data-status", job.status);
    write(this.name, job.name);
    write(this.where, job.where);
    write(this.facts, job.facts);
    this.copy.hidden = !job.id;
    this.cancel.hidden = this.detach.hidden = !job.open;
    this.again.hidden = !job.failed.length;
    this.strip.show(job.cells, job.facts);
    this.bar.element.hidden = Boolean(job.cells);
    if (!job.cells) this.bar.show(job.bar, job.facts);
    job.failed.forEach(([child, who, why], n) => {
      const item = this.list.children[n] ?? this.list.appendChild(this.failedItem());
      write(item.children[0], `✕ ${who}`);
      write(item.children[1], ` ${why} · `);
      item.dataset.child = String(child);
    });
    while (this.list.children.length > job.failed.length) this.list.lastChild.remove();
  }

  failedItem() {
    const link = html("button", { class: "cg-link", type: "button" }, "log");
    const item = html("li", {}, html("b", { class: "cg-failed" }), html("span"), link);
    link.addEventListener("click", () => this.ask(Number(item.dataset.child)));
    return item;
  }

  /** @type {(about: string, log: string) => void} */
  showChild(about, log) {
    write(this.about, about);
    write(this.log, log);
    this.about.hidden = false;
    this.log.hidden = !log;
  }
}

/** All jobs of a run. */
export class JobsView {
  /** @param {(message: object) => void} send */
  constructor(send) {
    this.send = send;
    /** @type {Map<number, JobRow>} */
    this.rows = new Map();
    this.more = html("div", { class: "cg-row cg-mute", hidden: "" });
    this.element = html("div", { class: "cg-jobs" }, this.more);
  }

  /** @param {{jobs?: Job[], job_order?: number[], more_jobs?: string, child?: [number, number, string, string]}} message */
  apply(message) {
    for (const job of message.jobs ?? []) this.row(job.number).show(job);
    if (message.job_order) this.keep(message.job_order, message.more_jobs ?? "");
    if (message.child) this.rows.get(message.child[0])?.showChild(message.child[2], message.child[3]);
  }

  /** @param {number} number */
  row(number) {
    let row = this.rows.get(number);
    if (!row) {
      row = new JobRow(number, this.send);
      this.rows.set(number, row);
      this.element.insertBefore(row.element, this.more);
    }
    return row;
  }

  /** @type {(order: number[], more: string) => void} */
  keep(order, more) {
    const kept = new Set(order);
    for (const [number, row] of this.rows) if (!kept.has(number)) row.element.remove(), this.rows.delete(number);
    write(this.more, more);
    this.more.hidden = !more;
  }
}
