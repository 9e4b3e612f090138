// Elements without markup: text is always a text node, so a name can never become HTML.

const EMPTY = new Set([null, undefined, false, ""]);
const SVG = "http://www.w3.org/2000/svg";

/** An HTML element. `props` are attributes; false and null are left out. Children are nodes, text or lists of them. */
export function h(tag, props, ...children) {
  return fill(document.createElement(tag), props, children);
}

/** An SVG element. */
export function s(tag, props, ...children) {
  return fill(document.createElementNS(SVG, tag), props, children);
}

/** Children without the empty ones, so that a piece can be left out where it is built. */
export function solid(children) {
  return [children].flat(Infinity).filter((child) => !EMPTY.has(child));
}

/** The element of the page with this id. */
export const byId = (id) => document.getElementById(id);

function fill(element, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...solid(children));
  return element;
}
