// The figures of a business: ask for every panel, ask again every half minute, redraw only what changed.

import { ApiError, get } from "./api.js";
import { byId, h, solid } from "./dom.js";
import { carryOn } from "./eyes.js";
import { clock, currencyName, day, NOTHING } from "./format.js";
import { PANELS } from "./panels.js";
import { endsAt } from "./session.js";

const REFRESH_MS = 30_000;
const SOON_MS = 1_000;
const AWAY = "The server does not answer. These are the last figures it gave; asking again every half minute.";
const RANGES = ["7d", "30d", "90d", "12m"];

const view = { range: "30d", roiKind: "lead_source", roiTime: "12m", timezone: "UTC" };
const drawn = new Map(); // panel id -> the answer or message it shows
let lost = null; // what to do when the session has ended; null while nobody looks
let running = null; // the AbortController of the refresh under way
let timer = 0;

/** Show the figures of the session's business until `hideFigures`; `ended(told)` is called when the session is over. */
export function showFigures(session, ended) {
  lost = ended;
  view.timezone = session.tenant.timezone;
  byId("simulated").hidden = !session.tenant.is_simulated;
  clear();
  refresh();
}

export function hideFigures() {
  running?.abort();
  clearTimeout(timer);
  lost = null;
  clear();
}

/** One sentence above all figures, or none. */
export function announce(text) {
  byId("banner").textContent = text;
  byId("banner").hidden = !text;
}

function clear() {
  drawn.clear();
  announce("");
  for (const id of ["as-of", "release", "checked", "currency", "news"]) byId(id).textContent = "";
  for (const { id } of PANELS) {
    byId(id).querySelector(".body").replaceChildren(h("p", { class: "note waiting" }, "Asking…"));
  }
}

/** Ask for every panel; what did not change costs a 304 and is left as it stands. */
async function refresh({ isRenewed = false } = {}) {
  running?.abort();
  clearTimeout(timer);
  const mine = (running = new AbortController());
  const results = await Promise.all(PANELS.map((panel) => ask(panel, mine.signal)));
  if (mine.signal.aborted) return;
  const errors = results.filter((result) => result instanceof ApiError);
  const refused = errors.find((error) => error.status === 401);
  if (refused) {
    await returnOrLeave(refused, isRenewed, mine.signal);
    return;
  }
  if (errors.some((error) => error.code === "ENROLMENT_NEEDED")) {
    location.replace("/account"); // the business asks for a second factor before anything else
    return;
  }
  const isAway = errors.some((error) => error.status === 0);
  const isNothing = errors.length === PANELS.length && new Set(errors.map((error) => error.code)).size === 1;
  announce(isAway ? AWAY : isNothing ? errors[0].message : "");
  byId("figures").hidden = isNothing && !isAway;
  PANELS.forEach((panel, index) => show(panel, results[index]));
  const answers = results.filter((result) => !(result instanceof ApiError));
  const isTorn = answers.length > 0 && stamp(answers);
  if (!isAway) byId("checked").textContent = clock(Date.now());
  byId("until").textContent = endsAt() ? day(endsAt()) : "";
  timer = setTimeout(() => document.hidden || refresh(), isTorn ? SOON_MS : REFRESH_MS);
}

/** The token was refused: the computer may have slept over its end. Ask again with a new one, or go to the door. */
async function returnOrLeave(refused, isRenewed, signal) {
  try {
    const renewed = isRenewed ? null : await carryOn();
    if (signal.aborted) return;
    if (renewed) await refresh({ isRenewed: true });
    else lost(refused.message);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    announce(error.status === 0 ? AWAY : error.message);
    timer = setTimeout(() => document.hidden || refresh(), REFRESH_MS);
  }
}

async function ask(panel, signal) {
  try {
    return await get(panel.path(view), signal);
  } catch (error) {
    if (error instanceof ApiError || error.name === "AbortError") return error;
    return new ApiError(0, { code: "UNREADABLE", message: error.message });
  }
}

function show(panel, result) {
  const isNews = drawn.get(panel.id) !== result;
  const isAwayWithFigures = result.status === 0 && drawn.has(panel.id);
  if (!isNews || isAwayWithFigures) return;
  const body = byId(panel.id).querySelector(".body");
  const open = [...body.querySelectorAll("details")].map((details) => details.open);
  const nodes = solid(content(panel, result));
  byId(panel.id).classList.toggle("silent", nodes.length === 1 && nodes[0].classList.contains("note"));
  body.replaceChildren(...nodes);
  body.querySelectorAll("details").forEach((details, index) => (details.open = open[index] ?? false));
  drawn.set(panel.id, result);
}

function content(panel, result) {
  if (result instanceof ApiError) return failure(result);
  try {
    return panel.draw(result, view);
  } catch (error) {
    console.error(error);
    return h("p", { class: "note problem" }, "This part of the page failed to draw its figures.");
  }
}

function failure(error) {
  const reference = error.requestId ? ` (request ${error.requestId})` : "";
  return h("p", { class: "note problem" }, `${error.message}${reference}`);
}

/** Say where the figures come from. True when two releases share the page: one was published while it asked. */
function stamp(answers) {
  const newest = answers.map((answer) => answer.meta).reduce((a, b) => (b.release_id > a.release_id ? b : a));
  const before = byId("release").textContent;
  byId("release").textContent = newest.release_id;
  byId("as-of").textContent = day(newest.as_of);
  byId("as-of").dateTime = newest.as_of;
  byId("currency").textContent = newest.currency === null ? NOTHING : currencyName(newest.currency);
  byId("simulated").hidden = !newest.simulated;
  if (before && before !== newest.release_id) byId("news").textContent = `New figures, release ${newest.release_id}`;
  return answers.some((answer) => answer.meta.release_id !== newest.release_id);
}

/** The controls of the page. */
export function prepareFigures() {
  const asked = location.hash.slice(1); // kept in the address, so that a reload and a bookmark keep it
  if (RANGES.includes(asked)) view.range = asked;
  byId("range").querySelector(`[value="${view.range}"]`).checked = true;
  byId("range").addEventListener("change", (event) => {
    view.range = event.target.value;
    history.replaceState(null, "", `#${view.range}`);
    refresh();
  });
  byId("roi").querySelector("form").addEventListener("change", (event) => {
    view[event.target.name] = event.target.value;
    refresh();
  });
  document.addEventListener("visibilitychange", () => lost && !document.hidden && refresh());
}
