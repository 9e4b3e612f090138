// What pages for customers share: the words that came with the page (serve/platform/pages/spoken.py), the key of the
// link, and the end where the link opens nothing. The key is taken out of the address at once.

import { ApiError } from "./api.js";
import { byId } from "./dom.js";
import { writeAs } from "./format.js";
import { wear } from "./look.js";

const root = document.documentElement;
export const words = JSON.parse(byId("words").textContent);
export const say = (key, values) => words[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);

/** What was refused, in words of the page. */
export const why = (error) => words[error.code] ?? error.message;

/** The key behind the #; without one the page ends. */
export function takeKey() {
  const key = location.hash.slice(1);
  history.replaceState(null, "", location.pathname + location.search);
  if (!key) end(words.page_incomplete, words.page_incomplete_why);
  return key;
}

/** Speak as the answer does. False when the page has to be loaded anew for that: the link was for other readers. */
export function speakAs(language, key) {
  if (!language.startsWith(root.lang)) {
    location.replace(`?language=${language}#${key}`);
    return false;
  }
  root.lang = language;
  writeAs(language);
  return true;
}

/** Do the work; a link that opens nothing more ends the page. */
export async function unlessGone(work) {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof ApiError) || ![404, 410].includes(error.status)) throw error;
    await end(words.page_gone, why(error));
  }
}

/** For forms: in words of the page. Where the API says in English what is wrong with a field, other readers learn where. */
export async function inWords(work) {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const isEnglish = root.lang.startsWith("en");
    const details = error.details.map(({ field, message }) => ({ field, message: isEnglish ? message : words.INVALID }));
    throw new ApiError(error.status, { ...error, message: why(error), details });
  }
}

/** Nothing but this is shown any more, and links to where one may go from here. */
export async function end(title, text, ways = []) {
  if (!byId("look")) await wear(null);
  for (const part of document.querySelectorAll("main > form, main > article")) part.hidden = true;
  byId("over-title").textContent = title;
  byId("over").querySelector(".told").textContent = text;
  byId("over").querySelector(".ways").replaceChildren(...ways);
  byId("over").hidden = false;
  byId("over-title").focus();
}
