// Why a model gave its score, in words. A feature that has no sentence here is named as it is.

import { count, money, number, words } from "./format.js";

const n = (one, many) => (value) => count(value, one, many);
const amount = (after) => (value, currency) => `${money(value, currency)} ${after}`;

const SENTENCES = {
  tenure_days: (value) => `client for ${count(value, "day")}`,
  revenue_90d_cents: amount("revenue in 90 days"),
  revenue_prev_90d_cents: amount("revenue in the 90 days before"),
  mrr_cents: amount("recurring revenue a month"),
  cost_cents: amount("cost"),
  invoice_count_90d: n("invoice in 90 days", "invoices in 90 days"),
  days_since_last_invoice: n("day since the last invoice", "days since the last invoice"),
  days_since_last_message: n("day since the last message", "days since the last message"),
  job_count_90d: n("job in 90 days", "jobs in 90 days"),
  late_job_count_90d: n("late job in 90 days", "late jobs in 90 days"),
  cancelled_job_count_90d: n("cancelled job in 90 days", "cancelled jobs in 90 days"),
  rating_mean_180d: (value) => `rated ${number(value, 1)} on average in 180 days`,
  ticket_count_90d: n("ticket in 90 days", "tickets in 90 days"),
  open_ticket_count: n("open ticket", "open tickets"),
  failed_payment_count_90d: n("failed payment in 90 days", "failed payments in 90 days"),
  reading_count_24h: n("reading in 24 hours", "readings in 24 hours"),
  error_count_24h: n("error code in 24 hours", "error codes in 24 hours"),
  error_count_7d: n("error code in 7 days", "error codes in 7 days"),
  odometer_km: (value) => `${number(value)} km on the clock`,
  km_7d: (value) => `${number(value)} km in 7 days`,
  age_days: (value) => `${number(value / 365.25, 1)} years old`,
  days_since_service: n("day since the last service", "days since the last service"),
  km_since_service: (value) => `${number(value)} km since the last service`,
  failures_365d: n("failure in a year", "failures in a year"),
};

const SENSORS = { vibration: "mm/s", temperature: "°C", pressure: "kPa", voltage: "V", rpm: "rpm" };
const WINDOWS = {
  mean_3h: (sensor, value) => `${sensor} ${value} over 3 hours`,
  mean_24h: (sensor, value) => `${sensor} ${value} over 24 hours`,
  mean_7d: (sensor, value) => `${sensor} ${value} over 7 days`,
  sd_24h: (sensor, value) => `${sensor} varies by ${value} within 24 hours`,
};

/** One reason as a short sentence without a full stop, such as "90 days since the last invoice". */
export function sentence({ feature, value }, currency) {
  if (value === null || value === undefined) return `${words(feature).toLowerCase()} not known`;
  const reading = /^([a-z]+)_(mean_3h|mean_24h|sd_24h|mean_7d|delta_7d|slope_14d)$/.exec(feature);
  if (reading && SENSORS[reading[1]] && typeof value === "number") return sensor(reading[1], reading[2], value);
  if (SENTENCES[feature] && typeof value === "number") return SENTENCES[feature](value, currency);
  const shown = typeof value === "number" ? number(value, 2) : String(value);
  return `${words(feature).toLowerCase()}: ${shown}`;
}

function sensor(name, window, value) {
  const unit = SENSORS[name];
  const size = `${number(Math.abs(value), 2)} ${unit}`;
  if (window === "delta_7d") return `${name} ${size} ${value < 0 ? "below" : "above"} its 7-day mean`;
  if (window === "slope_14d") return `${name} ${value < 0 ? "falling" : "rising"} by ${size} a day for 14 days`;
  return WINDOWS[window](name, `${number(value, 2)} ${unit}`);
}
