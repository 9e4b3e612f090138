// Who is signed in. Both tokens live in cookies that scripts cannot read; all this page keeps is the moment at which the
// session ends, so that a visit without a session asks the server nothing.

import { forget, get, post } from "./api.js";

const KEY = "throughline.session-ends-at";
const BEFORE_END_MS = 60_000;
const AGAIN_MS = 30_000;
let timer = 0;

/** When the session ends if nobody renews it; null without one. */
export const endsAt = () => localStorage.getItem(KEY);

/** {user, tenant, memberships, expires_at} of the session this browser already has, or null. Throws ApiError. */
export async function resume() {
  if (!(Date.parse(endsAt()) > Date.now())) return null;
  try {
    const { data } = await get("/auth/me");
    renewBefore(data.expires_at);
    return data;
  } catch (error) {
    if (error.status !== 401) throw error;
    return renew(); // the access token ended while nobody was here
  }
}

/** Sign in, for the given business (its slug) or the first one. Throws ApiError. */
export async function logIn(email, password, tenant = null) {
  const { data } = await post("/auth/login", { email, password, tenant });
  forget();
  return opened(data);
}

/** Carry the session on with new tokens; null when it has ended. Throws ApiError. */
export async function renew() {
  try {
    const { data } = await post("/auth/refresh");
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
