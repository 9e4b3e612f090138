// The last day beside what is usual on its weekday.

import { deviation } from "../charts.js";
import { h } from "../dom.js";
import { figure, number, weekday } from "../format.js";
import { about, datum, note, pill } from "./parts.js";

const LEVELS = {
  steady: ["Steady", "good", "Nothing is out of the ordinary."],
  watch: ["Watch", "warn", "Something is not as usual."],
  act: ["Act", "bad", "Several things are worse than usual."],
};
const STATES = { usual: "usual", better: "better than usual", worse: "worse than usual", unusual: "unusual" };
const STYLES = { better: "good", worse: "bad", unusual: "warn" };

export function drawPulse({ data, meta }) {
  const { currency } = meta;
  const judged = data.measures.filter((measure) => measure.state !== "unknown");
  if (!judged.length) {
    return note("There are not enough weeks of data to tell what is usual.");
  }
  const [word, style, sentence] = LEVELS[data.level];
  return [
    h("p", { class: "level" }, pill(word, style), h("span", {}, ` ${weekday(data.day)}. ${sentence}`)),
    h("ul", { class: "measures" }, judged.map((measure) => row(measure, data.weekday, currency))),
    about(`Usual: the median of the same weekday in eight weeks. The grey bar spans two spreads to either side.`),
  ];
}

function row(measure, weekdayName, currency) {
  const shown = (value) => figure(value, measure.unit, currency, { compact: true });
  const distance = `${number(measure.deviation, 1)} spreads from the usual ${shown(measure.usual)}`;
  const said = `${STATES[measure.state]}: ${distance}`;
  return h(
    "li",
    { "data-name": measure.name },
    h("span", { class: "name" }, measure.label),
    datum(measure.value, shown(measure.value), { class: STYLES[measure.state] ?? "" }),
    h("span", { class: "usual" }, `usual ${shown(measure.usual)}`),
    deviation(measure.deviation, STYLES[measure.state] ?? "", said),
  );
}
