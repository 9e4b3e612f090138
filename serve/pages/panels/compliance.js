// Papers of vehicles and people: how many are in order, and which come next.

import { stack } from "../charts.js";
import { h } from "../dom.js";
import { count, day, number, percent, words } from "../format.js";
import { about, datum, note } from "./parts.js";

const STATES = [
  ["valid", "Valid", "good"],
  ["expiring", "Expiring", "warn"],
  ["expired", "Expired", "bad"],
];
const SUBJECTS = { vehicle: "vehicle", provider: "person" };

export function drawCompliance({ data, meta }) {
  if (!data.kinds.length) {
    return note("No papers are recorded for this business.");
  }
  const all = STATES.reduce((sum, [state]) => sum + data[state], 0);
  const due = data.documents.filter((each) => each.state !== "valid");
  return [
    about(`${percent(data.compliant_share)} of ${count(all, "paper")} not expired on ${day(meta.as_of)}`),
    h("div", { class: "states" }, STATES.map(([state, label, style]) => counted(data[state], label, state, style))),
    share(data, "All papers"),
    h("ul", { class: "bars" }, data.kinds.map(kind)),
    due.length > 0 && [h("h3", {}, "Longest overdue or next to expire"), h("ul", { class: "papers" }, due.map(paper))],
  ];
}

const counted = (value, label, state, style) =>
  h("p", { "data-name": state }, datum(value, number(value), { class: value ? style : "" }), ` ${label}`);

const share = (counts, name) =>
  stack(
    STATES.map(([state, , style]) => ({ value: counts[state], style })),
    `${name}: ${STATES.map(([state, label]) => `${counts[state]} ${label.toLowerCase()}`).join(", ")}`,
  );

function kind(counts) {
  const wrong = STATES.slice(1)
    .filter(([state]) => counts[state])
    .map(([state, label]) => `${number(counts[state])} ${label.toLowerCase()}`);
  const text = wrong.length ? wrong.join(", ") : "all valid";
  return h("li", {}, h("span", {}, words(counts.kind)), h("span", {}, text), share(counts, words(counts.kind)));
}

function paper({ kind: name, subject_kind: subject, expires_date: date, days_left: left }) {
  const days = count(Math.abs(left), "day");
  const when = left < 0 ? `expired ${days} ago` : left === 0 ? "expires today" : `${days} left`;
  return h(
    "li",
    {},
    h("span", {}, `${words(name)} of a ${SUBJECTS[subject] ?? subject}`),
    h("span", { class: left < 0 ? "bad" : "warn" }, when),
    h("time", { datetime: date }, day(date)),
  );
}
