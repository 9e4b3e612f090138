// Who is signed in. The access token lives in a cookie that scripts cannot read; all this page keeps is the moment at
// which it ends, so that a visit without a session asks the server nothing.

import { forget, get, post } from "./api.js";

const KEY = "throughline.session-ends-at";

/** {user, tenant, memberships, expires_at} of the session this browser already has, or null. Throws ApiError. */
export async function resume() {
  if (!(Date.parse(localStorage.getItem(KEY)) > Date.now())) return null;
  try {
    return (await get("/auth/me")).data;
  } catch (error) {
    if (error.status !== 401) throw error;
    ended();
    return null;
  }
}

/** Sign in, for the given business (its slug) or the first one. Throws ApiError. */
export async function logIn(email, password, tenant = null) {
  const { data } = await post("/auth/login", { email, password, tenant });
  forget();
  localStorage.setItem(KEY, data.expires_at);
  return data;
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
  forget();
  localStorage.removeItem(KEY);
}
