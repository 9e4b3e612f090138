// Headline figures: a tile each, with the earlier period and the trend.

import { sparkline } from "../charts.js";
import { h } from "../dom.js";
import { days, figure, shortDay } from "../format.js";
import { about, change, datum, note } from "./parts.js";

const DAY_MS = 86_400_000;

export function drawKpis({ data, meta }) {
  const { period, currency } = meta;
  const told = data.filter((kpi) => kpi.value !== null);
  const silent = data.filter((kpi) => kpi.value === null);
  const against = period.compared_to ? `, compared with ${days(period.compared_to)}` : "";
  return [
    about(`${days(period)}${against}`),
    told.length > 0 && h("ul", { class: "tiles" }, told.map((kpi) => tile(kpi, meta, currency))),
    silent.length > 0 && note(`The data of this period says nothing about: ${silent.map((kpi) => kpi.label).join(", ")}.`),
  ];
}

function tile(kpi, meta, currency) {
  const text = figure(kpi.value, kpi.unit, currency, { compact: true });
  const full = figure(kpi.value, kpi.unit, currency, { cents: true });
  return h(
    "li",
    { class: "tile", "data-name": kpi.name },
    h("h3", {}, kpi.label),
    datum(kpi.value, text, { class: "value", title: full === text ? null : full }),
    change(kpi, currency),
    sparkline(...trend(kpi, meta, currency)),
  );
}

function trend(kpi, { grain, period }, currency) {
  const whole = kpi.series.filter((_, index, all) => isWhole(all, index, grain, period));
  const points = whole.length > 2 ? whole : kpi.series;
  const known = points.filter((point) => point.value !== null);
  const shown = (point) => `${figure(point.value, kpi.unit, currency, { compact: true })} on ${shortDay(point.date)}`;
  const label = known.length ? `Trend by ${grain}: ${shown(known[0])}, ${shown(known.at(-1))}` : "";
  return [points, label];
}

/** A week or month that the period cuts short would look like a fall. */
function isWhole(points, index, grain, period) {
  if (grain === "day") return true;
  const from = new Date(points[index].date);
  const isFirstDay = grain === "week" ? from.getUTCDay() === 1 : from.getUTCDate() === 1;
  const last = new Date(from);
  if (grain === "week") last.setUTCDate(from.getUTCDate() + 6);
  else last.setUTCMonth(from.getUTCMonth() + 1, 0);
  return isFirstDay && last - new Date(period.end) < DAY_MS;
}
