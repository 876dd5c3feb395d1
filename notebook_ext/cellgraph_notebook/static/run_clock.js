// @ts-check
/** What moves between two messages: the time that a run has taken, and the bars of what runs. */

import { write } from "./run_dom.js";

const TICK_MS = 100;
const RUNNING = '.cg-bar > .cg-part-running, [data-status="running"] > .cg-part-running';
const BEAT = 16; // ticks of one fading and coming back of a bar

/** Ticks while a run goes on in sight of a reader who has not asked for less motion. */
export class Clock {
  /** @type {(card: Element, text: Element) => void} */
  constructor(card, text) {
    this.card = card;
    this.text = text;
    this.calm = matchMedia("(prefers-reduced-motion: reduce)");
    this.startedAt = Infinity;
    this.going = false;
    this.seen = true;
    this.ticks = 0;
    this.timer = 0;
  }

  /** The run has taken so long. Of several such words the one that travelled fastest counts.
   * @param {number} elapsed_s */
  set(elapsed_s) {
    this.startedAt = Math.min(this.startedAt, performance.now() - 1000 * elapsed_s);
    this.show();
  }

  /** @type {(state: {going?: boolean, seen?: boolean}) => void} */
  turn({ going = this.going, seen = this.seen }) {
    Object.assign(this, { going, seen });
    const on = going && seen && !this.calm.matches;
    if (on && !this.timer) this.timer = setInterval(() => this.tick(), TICK_MS);
    if (!on) clearInterval(this.timer), (this.timer = 0);
    if (!going) this.show();
  }

  tick() {
    const opacity = 1 - 0.5 * Math.sin((Math.PI * (this.ticks++ % BEAT)) / BEAT);
    for (const part of this.card.querySelectorAll(RUNNING)) {
      /** @type {SVGElement} */ (part).style.opacity = opacity.toFixed(2);
    }
    this.show();
  }

  show() {
    const known = this.going && this.startedAt < Infinity;
    write(this.text, known ? elapsed((performance.now() - this.startedAt) / 1000) : "");
  }
}

/** @type {(seconds: number) => string} */
function elapsed(seconds) {
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const rest = `${(Math.floor(10 * (seconds % 60)) / 10).toFixed(1)} s`;
  if (hours) return `${hours} h ${minutes} min ${rest}`;
  return minutes ? `${minutes} min ${rest}` : rest;
}
