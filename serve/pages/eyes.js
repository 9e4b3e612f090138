// Other eyes: somebody who may looks at the business as a colleague sees it. The page says so all the time, and a reload
// or the end of the tab ends it for this page: the token is kept in its memory alone, beside the session of the cookies.

import { change, get, post, speakBy } from "./api.js";
import { byId } from "./dom.js";
import { clock } from "./format.js";
import { renew, resume } from "./session.js";

let look = null; // {id, refreshToken, until} while it lasts

/** Open them. Answers the session to show. Throws ApiError. */
export async function openEyes(userId, reason, minutes) {
  const { data } = await post(`/admin/users/${userId}/impersonate`, { reason, minutes });
  speakBy(data.access_token);
  const { data: seen } = await get("/auth/me").catch(leaveAgain);
  look = { id: seen.session.cause_id, refreshToken: data.refresh_token, until: data.session_expires_at };
  return seen;
}

/** Nobody goes on as somebody else without a banner that says so. Throws what has happened. */
async function leaveAgain(error) {
  await post("/auth/logout").catch(() => null); // of the eyes alone
  speakBy(null);
  throw error;
}

/** Back to one's own session, or null without one. Throws ApiError; then nothing has changed. */
export async function closeEyes() {
  const { id } = look;
  try {
    await change("DELETE", `/admin/impersonations/${id}`);
  } catch (error) {
    if (error.status !== 401 && error.status !== 409) throw error; // else it was over already
  }
  look = null;
  speakBy(null);
  return resume();
}

export const areOpen = () => look !== null;

/** Carry on whichever session the page speaks by; null when it has ended. Throws ApiError. */
export async function carryOn() {
  if (!look) return renew();
  try {
    const { data } = await post("/auth/refresh", { refresh_token: look.refreshToken });
    look.refreshToken = data.refresh_token;
    speakBy(data.access_token);
    return data;
  } catch (error) {
    if (error.status !== 401) throw error;
    return null;
  }
}

/** Say above everything whose eyes these are, if they are not one's own. */
export function announceEyes({ user, session }) {
  const isOther = Boolean(session?.impersonator_id);
  byId("eyes").hidden = !isOther;
  const until = look ? ` until ${clock(look.until)} at the latest` : "";
  byId("eyes-told").textContent = isOther
    ? `You look with the eyes of ${user.full_name} (${user.email})${until}. What you do is on record under your own name.`
    : "";
}
