// Pieces that several panels share.

import { h } from "../dom.js";
import { count, figure, money, percent } from "../format.js";

/** What a panel says instead of empty axes. */
export const note = (text) => h("p", { class: "note" }, text);

/** A short line under the title: what period or how many the panel is about. */
export const about = (text) => h("p", { class: "about" }, text);

/** "6 of 39 vehicles", or all of them. */
export function listed(rows, { total }, one) {
  return total > rows.length ? `${rows.length} of ${count(total, one)}` : count(total, one);
}

/** The exact value for machines, the readable one for people. */
export const datum = (value, text, attributes = {}) => h("data", { value: value ?? "", ...attributes }, text);

/** An amount; `title` shows it to the cent where the text is rounded. */
export const amount = (minorUnits, currency, options = {}) =>
  datum(minorUnits, money(minorUnits, currency, options), {
    title: minorUnits === null ? null : money(minorUnits, currency, { cents: true }),
  });

/** "▲ 25% from €2,400": the change against the earlier period, coloured by whether it is good. */
export function change({ value, previous, change_share: share = null, unit, better }, currency) {
  if (value === null) return null;
  if (previous === null) return h("p", { class: "change" }, "no earlier figure");
  const difference = value - previous;
  const from = `from ${figure(previous, unit, currency, { compact: true })}`;
  if (difference === 0) return h("p", { class: "change" }, "unchanged ", h("span", { class: "from" }, from));
  const isUp = difference > 0;
  const verdict = better === "neither" ? "" : (better === "up") === isUp ? "good" : "bad";
  const size =
    unit === "share"
      ? count(Math.round(Math.abs(difference) * 1000) / 10, "point")
      : share === null
        ? figure(Math.abs(difference), unit, currency, { compact: true })
        : percent(Math.abs(share), { digits: Math.abs(share) < 0.1 ? 1 : 0 });
  return h(
    "p",
    { class: `change ${verdict}` },
    h("span", { "aria-hidden": "true", class: "arrow" }, isUp ? "▲" : "▼"),
    h("span", { class: "unseen" }, isUp ? "up " : "down "),
    h("b", {}, size),
    " ",
    h("span", { class: "from" }, from),
    verdict && h("span", { class: "unseen" }, `, ${verdict === "good" ? "better" : "worse"}`),
  );
}

/** A small coloured word, such as a risk band. */
export const pill = (text, style) => h("span", { class: `pill ${style}` }, text);
