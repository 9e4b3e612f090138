// Revenue ahead and behind: the forecast with its interval, and revenue, cost and margin by step.

import { bar, chart } from "../charts.js";
import { h } from "../dom.js";
import { NOTHING, count, day, days, money, percent, shortDay, shortMonth, weekday, words } from "../format.js";
import { about, amount, change, note } from "./parts.js";

const MEAN_DAYS = 7;
const NO_FORECAST = "There is no forecast yet: a model needs enough days of revenue, and a training run.";
const METHODS = { ets: "ETS", prophet: "Prophet", theta: "Theta" };

export function drawForecast({ data, meta }) {
  const { currency } = meta;
  const ahead = data.days.filter((each) => each.kind === "forecast");
  const known = data.days.filter((each) => each.revenue_cents !== null);
  if (!known.length && !ahead.length) {
    return note("No revenue is recorded for this period, and there is no forecast.");
  }
  const column = (name) => data.days.map((each) => each[name]);
  const isTold = ahead.length > 0;
  const means = trailing(column("revenue_cents"));
  const layers = [
    { kind: "line", style: "daily", name: "Revenue a day", values: column("revenue_cents") },
    { kind: "line", style: "revenue", name: `Mean of ${MEAN_DAYS} days`, values: means, onTable: false },
  ];
  if (isTold) {
    const range = { lower: column("lower_cents"), upper: column("upper_cents") };
    layers.unshift({ kind: "band", style: "band", name: "Likely range", ...range });
    layers.push({ kind: "line", style: "forecast", name: "Forecast a day", values: column("forecast_cents") });
  }
  const drawing = chart({
    label: forecastLabel(known, ahead, data, currency),
    steps: data.days.map(({ date }) => ({ date, short: shortDay(date), long: weekday(date) })),
    layers,
    format: (value) => money(value, currency),
    axis: (value) => money(value, currency, { compact: true }),
    rule: isTold && known.length ? data.days.length - ahead.length - 1 : null,
    ruleName: shortDay(meta.as_of),
    height: 300,
  });
  return [isTold ? outlook(data, ahead, currency) : note(NO_FORECAST), drawing];
}

function outlook({ model, forecast_total_cents: total }, ahead, currency) {
  const { backtest, baseline } = model;
  const naive = Object.entries(baseline).find(([, value]) => typeof value === "object") ?? ["baseline", baseline];
  const said = [`${METHODS[model.model_name] ?? words(model.model_name)}, made on ${day(model.made_on_date)}.`];
  if (typeof backtest.mase === "number" && typeof naive[1]?.mase === "number") {
    const other = words(naive[0]).toLowerCase();
    said.push(`Error on past days (MASE) ${backtest.mase.toFixed(2)}, ${other} ${naive[1].mase.toFixed(2)}.`);
  }
  if (typeof backtest.interval_coverage === "number") {
    const meant = backtest.interval_level ? `, meant to hold ${percent(backtest.interval_level, { digits: 0 })}` : "";
    said.push(`The range held ${percent(backtest.interval_coverage, { digits: 0 })} of past days${meant}.`);
  }
  return [
    h(
      "p",
      { class: "headline" },
      amount(total, currency, { compact: true }),
      h("span", {}, ` expected in the ${count(ahead.length, "day")} to ${day(ahead.at(-1).date)}`),
    ),
    about(said.join(" ")),
  ];
}

function forecastLabel(known, ahead, data, currency) {
  const span = known.length ? days({ start: known[0].date, end: known.at(-1).date }) : "no day yet";
  const past = `Revenue a day, ${span}`;
  if (!ahead.length) return `${past}; no forecast.`;
  const total = money(data.forecast_total_cents, currency);
  return `${past}, and the forecast to ${day(ahead.at(-1).date)}: ${total} in all.`;
}

/** Mean of each day and the six before; empty until there are as many. */
function trailing(values) {
  return values.map((value, index) => {
    const window = values.slice(Math.max(0, index - MEAN_DAYS + 1), index + 1);
    if (value === null || window.length < MEAN_DAYS || window.includes(null)) return null;
    return window.reduce((sum, each) => sum + each, 0) / MEAN_DAYS;
  });
}

export function drawMoney({ data, meta }) {
  const { currency, period } = meta;
  const { totals, previous, categories, series, grain } = data;
  if (!series.length || totals.revenue_cents === null) {
    return note("No revenue is recorded for this period.");
  }
  const hasCost = totals.cost_cents !== null;
  const column = (name) => series.map((each) => each[name]);
  const layers = [{ kind: "columns", style: "revenue", name: "Revenue", values: column("revenue_cents") }];
  if (hasCost) {
    layers.push({ kind: "columns", style: "cost", name: "Cost", values: column("cost_cents") });
    layers.push({ kind: "line", style: "margin", name: "Margin", values: column("margin_cents") });
  }
  const fact = (name, label, better) =>
    total({ label, better, value: totals[name], previous: previous[name] }, currency);
  return [
    about(`${days(period)}, by ${grain}`),
    h(
      "dl",
      { class: "facts" },
      fact("revenue_cents", "Revenue", "up"),
      hasCost && fact("cost_cents", "Cost", "down"),
      hasCost && fact("margin_cents", `Margin, ${percent(totals.margin_share)} of revenue`, "up"),
    ),
    chart({
      label: `Revenue${hasCost ? ", cost and margin" : ""} by ${grain}, ${days(period)}`,
      steps: series.map(({ date }, index) => step(date, index, series, grain, period)),
      layers,
      format: (value) => money(value, currency),
      axis: (value) => money(value, currency, { compact: true }),
      height: 220,
    }),
    hasCost ? costs(categories, currency) : note("This business records no costs, so margin cannot be told."),
  ];
}

function total({ label, better, value, previous }, currency) {
  const share = previous ? (value - previous) / Math.abs(previous) : null;
  return h(
    "div",
    {},
    h("dt", {}, label),
    h("dd", {}, amount(value, currency, { compact: true })),
    h("dd", {}, change({ value, previous, change_share: share, unit: "cents", better }, currency)),
  );
}

function step(date, index, series, grain, period) {
  if (grain === "day") return { date, short: shortDay(date), long: weekday(date) };
  const until = index + 1 < series.length ? dayBefore(series[index + 1].date) : period.end;
  const lasted = (new Date(until) - new Date(date)) / 86_400_000 + 1;
  const isPart = lasted < (grain === "week" ? 7 : 28);
  const long = `${days({ start: date, end: until })}${isPart ? ` (part of a ${grain})` : ""}`;
  return { date, short: grain === "month" ? shortMonth(date) : shortDay(date), long, isPart };
}

function dayBefore(iso) {
  return new Date(new Date(iso) - 86_400_000).toISOString().slice(0, 10);
}

function costs(categories, currency) {
  const spent = categories.filter((each) => each.cost_cents).sort((a, b) => b.cost_cents - a.cost_cents);
  if (!spent.length) return null;
  const most = spent[0].cost_cents;
  const name = ({ category }) => (category === "sales" ? "Cost of sales" : words(category ?? NOTHING));
  return [
    h("h3", {}, "Cost by category"),
    h(
      "ul",
      { class: "bars" },
      spent.map((each) =>
        h("li", {}, h("span", {}, name(each)), amount(each.cost_cents, currency), bar(each.cost_cents / most, "cost")),
      ),
    ),
  ];
}
