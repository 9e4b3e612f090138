// What was put in and what came back.

import { h } from "../dom.js";
import { count, money, months, percent, words } from "../format.js";
import { about, amount, datum, listed, note } from "./parts.js";

const UNTRACED = "has no recorded return; profit and ROI leave it out.";
const KINDS = { lead_source: "lead source", campaign: "campaign", vehicle: "vehicle" };

export function drawRoi({ data, meta }, view) {
  const { currency, period } = meta;
  const one = KINDS[view.roiKind];
  if (!data.rows.length) {
    return note(`No investment in a ${one} is recorded in these months.`);
  }
  const [totals] = data.totals;
  const cents = Math.max(totals.investment_cents, Math.abs(totals.return_cents ?? 0)) < 100_000; // one form a column
  const heads = ["Name", "Invested", "Returned", "Profit", "ROI", "Payback"];
  const content = h(
    "table",
    { class: "roi" },
    h("caption", { class: "unseen" }, `Return on investment by ${one}`),
    h("thead", {}, h("tr", {}, heads.map((text) => h("th", { scope: "col" }, text)))),
    h("tbody", {}, data.rows.map((row) => line(row, named(row), payback(row), currency, cents))),
    h("tfoot", {}, line(totals, `All ${count(totals.subject_count, one)}`, "", currency, cents)),
  );
  const untraced = totals.untraced_investment_cents;
  return [
    about(`${listed(data.rows, meta, one)} by profit, ${months(period)}`),
    content,
    untraced > 0 && note(`${money(untraced, currency)} of the investment ${UNTRACED}`),
    about(`ROI = ${data.formula.roi.replaceAll("_cents", "").replaceAll("_", " ")}.`),
  ];
}

function line(row, name, paid, currency, cents) {
  const verdict = row.profit_cents === null ? "" : row.profit_cents < 0 ? "bad" : "good";
  const cell = (label, style, ...content) => h("td", { "data-label": label, class: style }, ...content);
  return h(
    "tr",
    { "data-id": row.subject_id },
    h("th", { scope: "row" }, name),
    cell("Invested", "", amount(row.investment_cents, currency, { cents })),
    cell("Returned", "", amount(row.return_cents, currency, { cents })),
    cell("Profit", "", amount(row.profit_cents, currency, { cents })),
    cell("ROI", verdict, datum(row.roi, percent(row.roi, { digits: 0, signed: true }))),
    cell("Payback", "", paid),
  );
}

const named = (row) => (row.subject_kind === "lead_source" ? words(row.subject_name) : row.subject_name);

function payback({ payback_months: months_, investment_cents: invested }) {
  if (!invested) return "no cost";
  if (months_ === null) return "not yet";
  return months_ === 0 ? "same month" : `in ${count(months_, "month")}`;
}
