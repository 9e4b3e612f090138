// Headline figures: a tile each, with the earlier period and the trend.

import { sparkline } from "../charts.js";
import { h } from "../dom.js";
import { days, figure, shortDay } from "../format.js";
import { about, change, datum, note } from "./parts.js";

const DAY_MS = 86_400_000;
const LONG_DAYS = 45;

export function drawKpis({ data, meta }) {
  const { period, currency } = meta;
  const told = data.filter((kpi) => kpi.value !== null);
  const silent = data.filter((kpi) => kpi.value === null).map((kpi) => kpi.label);
  const against = period.compared_to ? `, compared with ${days(period.compared_to)}` : "";
  return [
    about(`${days(period)}${against}`),
    told.length > 0 && h("ul", { class: "tiles" }, told.map((kpi) => tile(kpi, meta, currency))),
    silent.length > 0 && note(`The data of this period says nothing about: ${silent.join(", ")}.`),
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
  const all = whole.length > 2 ? whole : kpi.series;
  const isSmooth = grain === "day" && all.length > LONG_DAYS && kpi.unit !== "share"; // ratios have no mean
  const points = isSmooth ? weekly(all) : all;
  const known = points.filter((point) => point.value !== null);
  const shown = (point) => `${figure(point.value, kpi.unit, currency, { compact: true })} on ${shortDay(point.date)}`;
  const by = isSmooth ? "mean of 7 days" : `by ${grain}`;
  const label = known.length ? `Trend, ${by}: ${shown(known[0])}, ${shown(known.at(-1))}` : "";
  return [points, label];
}

/** The mean of each day and the six before, so that weekends do not hide the trend of a long period. */
function weekly(points) {
  return points.slice(6).map(({ date }, index) => {
    const known = points.slice(index, index + 7).filter((point) => point.value !== null);
    const sum = known.reduce((total, point) => total + point.value, 0);
    return { date, value: known.length ? sum / known.length : null };
  });
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
