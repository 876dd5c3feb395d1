// @ts-check
/** What the view is made of: elements, and the stacked bar. */

export const BAR = ["reused", "done", "running", "failed", "skipped", "cancelled", "waiting"];
const SVG = new DOMParser().parseFromString("<svg></svg>", "text/html").querySelector("svg")?.namespaceURI;

/** @type {(tag: string, attributes?: Record<string, string>, ...inside: (Element | string)[]) => any} */
export const html = (tag, attributes = {}, ...inside) => fill(document.createElement(tag), attributes, inside);
/** @type {(tag: string, attributes?: Record<string, string>, ...inside: (Element | string)[]) => any} */
export const svg = (tag, attributes = {}, ...inside) =>
  fill(document.createElementNS(/** @type {string} */ (SVG), tag), attributes, inside);

/** @type {(element: Element, attributes: Record<string, string>, inside: (Element | string)[]) => Element} */
function fill(element, attributes, inside) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...inside);
  return element;
}

/** @type {(element: Element, text: string) => void} */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** @type {(element: Element, name: string, value: string | number) => void} */
export function set(element, name, value) {
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
