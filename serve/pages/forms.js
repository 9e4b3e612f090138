// What all forms share: one attempt at a time, and the API's refusals where they belong.

import { byId, h } from "./dom.js";

/** Do the work of a form. A refusal is told, at the fields that it names. False when there was one. */
export async function attempt(form, work) {
  const buttons = [...form.querySelectorAll("button")].filter((button) => !button.disabled);
  clear(form);
  for (const button of buttons) button.disabled = true;
  try {
    await work();
    return true;
  } catch (error) {
    tell(form, error);
    return false;
  } finally {
    for (const button of buttons) button.disabled = false;
    form.querySelector("[aria-invalid]")?.focus(); // what is disabled could not take it
  }
}

/** What stands above the fields. */
export function say(form, text) {
  form.querySelector(".error").textContent = text;
}

/** Nothing is told any more. */
export function clear(form) {
  say(form, "");
  for (const told of form.querySelectorAll(".wrong")) told.remove();
  for (const input of form.querySelectorAll("[aria-invalid]")) {
    input.removeAttribute("aria-invalid");
    input.removeAttribute("aria-describedby");
  }
}

/** What the fields of a form hold, without empty ones and those that are switched off. */
export const values = (form) => Object.fromEntries([...new FormData(form)].filter(([, value]) => value !== ""));

/** Show one card of the door and hide the others. */
export function showCard(id) {
  for (const card of document.querySelectorAll("#door > .card")) card.hidden = card.id !== id;
  byId("door").hidden = false;
  byId("board").hidden = true;
}

/** A field that is not asked for now must not keep the form from being sent. */
export function ask(input, isAsked) {
  input.disabled = !isAsked;
  input.hidden = !isAsked;
  input.labels[0].hidden = !isAsked;
}

function tell(form, error) {
  const elsewhere = error.code === "INVALID" && error.details.length ? [] : [error.message];
  for (const { field, message } of error.details ?? []) {
    const input = form.elements?.[field];
    if (input?.type !== "hidden" && input?.checkVisibility?.()) mark(input, message);
    else elsewhere.push(sentence(message));
  }
  say(form, elsewhere.join(" "));
}

function mark(input, message) {
  const told = h("p", { id: `${input.id}-wrong`, class: "wrong" }, sentence(message));
  input.setAttribute("aria-invalid", "true");
  input.setAttribute("aria-describedby", told.id);
  input.after(told);
}

const sentence = (text) => `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;
