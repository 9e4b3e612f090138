// The only place that talks to the server. Answers are remembered by address with their ETag: asking again for what
// has not changed costs a 304 and gives back the very same object.

const BASE = "/api/v1";
const remembered = new Map();
let bearer = null; // the token of another session than the cookies', while somebody looks with other eyes

/** An answer that is not a success, in the API's own words; `status` is 0 when there was no answer at all. */
export class ApiError extends Error {
  constructor(status, { code, message, details = [], request_id: requestId = "" }) {
    super(message);
    Object.assign(this, { status, code, details, requestId });
  }
}

/** `{data, meta}` of an address; the same object as last time when nothing changed. Throws ApiError. */
export async function get(path, signal) {
  const known = remembered.get(path);
  const response = await send(path, { signal, headers: known ? { "If-None-Match": known.etag } : {} });
  if (response.status === 304) return known.answer;
  const answer = await read(response);
  const etag = response.headers.get("etag");
  if (etag) remembered.set(path, { etag, answer });
  return answer;
}

/** `{data, meta}` after something was done. Throws ApiError. */
export const post = (path, body) => change("POST", path, body);

/** The same with another method: PUT, PATCH or DELETE. */
export async function change(method, path, body) {
  const headers = { "Content-Type": "application/json", "X-Requested-With": "dashboard" };
  return read(await send(path, { method, headers, body: body && JSON.stringify(body) }));
}

/** A file after something was asked in a body, as a Blob. Throws ApiError. */
export async function fetchFile(path, body) {
  const headers = { "Content-Type": "application/json", "X-Requested-With": "dashboard" };
  const response = await send(path, { method: "POST", headers, body: JSON.stringify(body) });
  return response.ok ? response.blob() : read(response);
}

/** From now on speak with this token, or with that of the cookies again. It is kept nowhere but here. */
export function speakBy(token) {
  bearer = token;
  forget();
}

/** Drop all answers: they belong to the tenant and the person that were signed in. */
export function forget() {
  remembered.clear();
}

async function send(path, options) {
  try {
    if (bearer) options.headers = { ...options.headers, Authorization: `Bearer ${bearer}` };
    return await fetch(BASE + path, { credentials: "same-origin", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, { code: "UNREACHABLE", message: "The server does not answer." });
  }
}

async function read(response) {
  const body = await response.json().catch(() => null);
  if (body?.success) return { data: body.data, meta: body.meta };
  const nameless = { code: "UNREADABLE", message: `The server answered ${response.status} without saying why.` };
  throw new ApiError(response.status, body?.error ?? nameless);
}
