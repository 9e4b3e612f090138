// Who is signed in. Both tokens live in cookies that scripts cannot read; all this page keeps is the moment at which the
// session ends, so that a visit without a session asks the server nothing.

import { forget, get, post } from "./api.js";

const KEY = "throughline.session-ends-at";
const COMING = "coming"; // in the place of that moment: somebody was sent to a provider, and may come back with a session
const BEFORE_END_MS = 60_000;
const AGAIN_MS = 30_000;
let timer = 0;

/** When the session ends if nobody renews it; null without one. */
export const endsAt = () => localStorage.getItem(KEY);

/** {user, tenant, memberships, expires_at} of the session this browser already has, or null. Throws ApiError. */
export async function resume() {
  if (endsAt() === COMING) return renew();
  if (!(Date.parse(endsAt()) > Date.now())) return null;
  try {
    const { data } = await get("/auth/me");
    renewBefore(data.expires_at);
    return data;
  } catch (error) {
    // The access token ended while nobody was here, or is good for setting up a second factor and nothing else.
    if (error.status !== 401 && error.code !== "ENROLMENT_NEEDED") throw error;
    return renew();
  }
}

/** Begin the session that the answer of this call opens. Throws ApiError. */
export async function comeIn(path, body) {
  const { data } = await post(path, body);
  forget();
  return opened(data);
}

/** Somebody is on the way to a provider, which sends them back to us with the cookies of a session, or without. */
export function expect() {
  localStorage.setItem(KEY, COMING);
}

/** Carry the session on with new tokens, for another business if one is named (its slug); null when it has ended.
    Throws ApiError. */
export async function renew(tenant = null) {
  try {
    const { data } = await post("/auth/refresh", tenant && { tenant });
    if (tenant) forget();
    return opened(data);
  } catch (error) {
    if (error.status !== 401) throw error;
    ended();
    return null;
  }
}

export async function logOut() {
  try {
    await post("/auth/logout");
  } catch (error) {
    if (error.status !== 401) throw error;
    if (await renew()) await post("/auth/logout"); // the access token had ended, and the session goes on without it
  }
  ended();
}

/** Forget everything that belonged to the session. */
export function ended() {
  clearTimeout(timer);
  forget();
  localStorage.removeItem(KEY);
}

function opened(session) {
  localStorage.setItem(KEY, session.session_expires_at);
  renewBefore(session.expires_at);
  return session;
}

/** Renew a minute before the access token ends, or after half of what is left of a short one. */
function renewBefore(expiresAt) {
  const left = Date.parse(expiresAt) - Date.now();
  renewIn(Math.max(left - BEFORE_END_MS, left / 2, 0));
}

function renewIn(pause) {
  clearTimeout(timer);
  timer = setTimeout(() => renew().catch(() => renewIn(AGAIN_MS)), pause);
}
