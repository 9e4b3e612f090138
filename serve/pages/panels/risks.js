// Clients that may leave and vehicles that may fail: the score, the reasons in words, what is at stake.

import { bar } from "../charts.js";
import { h } from "../dom.js";
import { count, day, dayOf, percent } from "../format.js";
import { sentence } from "../reasons.js";
import { about, amount, datum, listed, note, pill } from "./parts.js";

const BANDS = { high: ["High", "bad"], medium: ["Medium", "warn"], low: ["Low", "good"] };

export function drawChurn({ data, meta }, view) {
  if (!data.length) {
    return note("No client has a score. A model needs clients that stayed and clients that left, and a training run.");
  }
  return [
    about(`${listed(data, meta, "client")} by chance to leave, on ${day(data[0].as_of_date)}`),
    h("ol", { class: "risks" }, data.map((client) => churnItem(client, meta.currency, view))),
  ];
}

function churnItem(client, currency, view) {
  const seen = client.last_activity_at;
  const last = seen ? `Last activity ${dayOf(seen, view.timezone)}` : "No activity yet";
  return h(
    "li",
    { "data-id": client.account_id },
    h("h3", {}, client.account_name ?? `Client ${client.account_id.slice(-6)}`),
    score(client.churn_score, client.risk_band),
    reasons(client.reasons, currency),
    h(
      "p",
      { class: "stake" },
      client.mrr_cents > 0 ? [amount(client.mrr_cents, currency), " a month · "] : null,
      client.revenue_365d_cents === null ? null : [amount(client.revenue_365d_cents, currency), " in a year · "],
      last,
    ),
  );
}

export function drawMaintenance({ data, meta }) {
  if (!data.length) {
    return note("No vehicle has a score. A model needs telemetry with past failures, and a training run.");
  }
  const horizon = count(Math.round(data[0].horizon_h / 24), "day");
  return [
    about(`${listed(data, meta, "vehicle")} by chance to fail within ${horizon}`),
    h("ol", { class: "risks" }, data.map((vehicle) => vehicleItem(vehicle, meta.currency))),
  ];
}

function vehicleItem(vehicle, currency) {
  const by = vehicle.recommended_by_date;
  const cost = vehicle.expected_cost_cents;
  return h(
    "li",
    { "data-id": vehicle.vehicle_id },
    h("h3", {}, vehicle.registration, h("span", { class: "model" }, ` ${vehicle.make} ${vehicle.model}`)),
    score(vehicle.failure_score, vehicle.risk_band),
    reasons(vehicle.reasons, currency),
    h(
      "p",
      { class: "stake" },
      by ? h("b", {}, `Inspect by ${day(by)}`) : "Can wait",
      cost === null ? null : [" · waiting costs ", amount(cost, currency), " on average"],
    ),
  );
}

function score(value, band) {
  const [word, style] = BANDS[band];
  return h(
    "div",
    { class: "score" },
    pill(word, style),
    datum(value, percent(value, { digits: value < 0.01 || value > 0.99 ? 1 : 0 })),
    bar(value, style),
  );
}

function reasons(list, currency) {
  if (!list.length) return h("p", { class: "reasons" }, "Nothing stands out.");
  return h(
    "ul",
    { class: "reasons" },
    list.map((reason) => {
      const raises = reason.effect > 0;
      return h(
        "li",
        { class: raises ? "raises" : "lowers" },
        h("span", { class: "unseen" }, raises ? "Raises the risk: " : "Lowers the risk: "),
        sentence(reason, currency),
      );
    }),
  );
}
