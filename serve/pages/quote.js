// A quote for who got its link: /quotes/accept#key. Behind the #, no server on the way writes the key down; it is taken
// out of the address at once. Looking decides nothing: only the two buttons do. What options come to is counted by the
// server, which refuses an acceptance of any other total.

import { ApiError, fetchFile, post } from "./api.js";
import { byId, h } from "./dom.js";
import { attempt, values } from "./forms.js";
import { day, money } from "./format.js";
import { wear } from "./look.js";

const STATES = { open: "", accepted: "Accepted", declined: "Declined" };
let token = "";
let shown = null;

async function enter() {
  token = location.hash.slice(1);
  history.replaceState(null, "", location.pathname);
  if (!token) {
    await end("This link is not complete", "It has no key in it. Open it from the mail once more.");
    return;
  }
  await unlessGone(async () => {
    const { data } = await post("/quotes/link", { token });
    await wear(data.tenant_slug);
    show(data);
    byId("quote-title").focus();
  }).catch((error) => end("That did not work", error.message));
}

function show(quote) {
  shown = quote;
  const isOpen = quote.state === "open";
  document.title = `Quote ${quote.number ?? ""} · ${quote.tenant_name}`;
  byId("quote-title").textContent = quote.title ?? `Quote ${quote.number ?? ""}`;
  byId("state").textContent = STATES[quote.state];
  byId("state").className = quote.state === "accepted" ? "pill good" : "pill";
  byId("about").textContent = about(quote);
  for (const id of ["introduction", "terms"]) {
    const parts = (quote[id] ?? "").split("\n").filter((part) => part.trim());
    byId(id).replaceChildren(...parts.map((part) => h("p", {}, part)));
  }
  showLines(quote, isOpen);
  showSums(quote);
  byId("accept").hidden = byId("decline").hidden = !isOpen;
  byId("accept").querySelector("button").textContent = `Accept for ${amount(quote.total_cents)}`;
  if (isOpen && !byId("name").value) byId("name").value = quote.recipient_name ?? "";
  byId("quote").hidden = false;
}

function about(quote) {
  const parts = [`Quote ${quote.number ?? ""} of ${quote.tenant_name}`];
  if (quote.version > 1) parts.push(`version ${quote.version}`);
  if (quote.recipient_name) parts.push(`for ${quote.recipient_name}`);
  if (quote.state === "open") parts.push(`valid until ${day(quote.valid_until)}`);
  else if (quote.decided_by_name) parts.push(`${quote.state} by ${quote.decided_by_name} on ${day(quote.decided_at)}`);
  return parts.join(", ");
}

function showLines(quote, isOpen) {
  const items = [];
  const seen = new Set();
  for (const line of quote.lines) {
    const group = line.option_group;
    if (group && seen.has(group)) continue; // the lines of a group stand together
    seen.add(group);
    if (!group) {
      items.push(lineOf(line, isOpen && line.is_optional ? "checkbox" : null));
      continue;
    }
    const lines = quote.lines.filter((each) => each.option_group === group);
    const mayBeNone = lines[0].is_optional;
    items.push(h("li", { class: "group" }, mayBeNone ? `${group}: one of these, or none` : `${group}: one of these`));
    items.push(...lines.map((each) => lineOf(each, isOpen && (mayBeNone ? "checkbox" : "radio"))));
  }
  byId("lines").replaceChildren(...items);
}

function lineOf(line, kind) {
  const id = `line-${line.position}`;
  const box = kind && h("input", { id, type: kind, name: line.option_group ?? id, value: line.position, checked: line.is_chosen });
  const what = h(kind ? "label" : "span", kind ? { for: id } : { class: "what plain" }, line.description);
  const unit = line.unit ? ` ${line.unit}` : "";
  const price = `${line.quantity}${unit} × ${amount(line.unit_price_cents)}`;
  const off = line.gross_cents === line.net_cents ? "" : `, less ${amount(line.gross_cents - line.net_cents)}`;
  const option = !kind && (line.is_optional || line.option_group) ? (line.is_counted ? ", chosen" : ", not chosen") : "";
  return h(
    "li",
    { class: line.is_counted ? null : "pale" },
    box,
    what,
    h("data", { value: line.net_cents }, amount(line.net_cents)),
    h("small", {}, `${price}${off}, tax ${rate(line.tax_basis_points)}${option}`),
  );
}

function showSums(quote) {
  const rows = [];
  if (quote.discount_total_cents) {
    rows.push(["Sum of the lines", quote.subtotal_cents], ["Discount", -quote.discount_total_cents]);
  }
  rows.push(["Net", quote.net_cents]);
  for (const { tax_basis_points: basisPoints, tax_cents: cents } of quote.taxes) rows.push([`Tax ${rate(basisPoints)}`, cents]);
  rows.push(["Total", quote.total_cents, "all"]);
  if (quote.deposit_cents) rows.push(["Of it in advance", quote.deposit_cents]);
  byId("sums").replaceChildren(
    ...rows.flatMap(([name, cents, kind]) => [h("dt", { class: kind }, name), h("dd", { class: kind }, amount(cents))]),
  );
}

/** Positions of the options that are chosen on the page. */
const chosen = () => [...byId("lines").querySelectorAll("input:checked")].map((input) => Number(input.value));

/** Of a group that may be left out, choosing one takes the others back. */
async function choose({ target }) {
  byId("asked").textContent = "";
  if (target.type === "checkbox" && target.checked && !target.name.startsWith("line-")) {
    for (const other of byId("lines").querySelectorAll("input:checked")) {
      if (other !== target && other.name === target.name) other.checked = false;
    }
  }
  const wanted = chosen();
  try {
    await unlessGone(async () => {
      const { data } = await post("/quotes/link", { token, chosen: wanted });
      if (String(wanted) !== String(chosen())) return; // somebody was quicker than the server
      show(data);
      byId(target.id)?.focus();
    });
  } catch (error) {
    byId("asked").textContent = error.message;
  }
}

async function accept() {
  const { name } = values(byId("accept"));
  await decide("/quotes/link/accept", { name, chosen: chosen(), total_cents: shown.total_cents });
}

const decline = () => decide("/quotes/link/decline", values(byId("decline")));

function decide(path, said) {
  return unlessGone(async () => {
    const { data } = await post(path, { token, ...said });
    show(data);
    byId("quote-title").focus();
    scrollTo(0, 0);
  });
}

async function savePaper() {
  byId("asked").textContent = "";
  try {
    await unlessGone(async () => {
      const href = URL.createObjectURL(await fetchFile("/quotes/link/pdf", { token }));
      h("a", { href, download: `${shown.number ?? "quote"}.pdf` }).click();
      setTimeout(() => URL.revokeObjectURL(href), 60_000);
    });
  } catch (error) {
    byId("asked").textContent = error.message;
  }
}

async function unlessGone(work) {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof ApiError) || ![404, 410].includes(error.status)) throw error;
    await end("This link opens nothing any more", error.message);
  }
}

async function end(title, text) {
  if (!shown) await wear(null);
  for (const id of ["quote", "accept", "decline"]) byId(id).hidden = true;
  byId("over-title").textContent = title;
  byId("over").querySelector(".told").textContent = text;
  byId("over").hidden = false;
  byId("over-title").focus();
}

const amount = (cents) => money(cents, shown.currency, { cents: true });
const rate = (basisPoints) => `${basisPoints / 100} %`;

for (const [id, work] of [["accept", accept], ["decline", decline]]) {
  byId(id).addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(byId(id), work);
  });
}
byId("choice").addEventListener("change", choose);
byId("choice").addEventListener("submit", (event) => event.preventDefault());
byId("paper").addEventListener("click", savePaper);
enter();
