// A quote for who got its link: /quotes/accept?language=de#key. Behind the #, no server on the way writes the key down; it is taken
// out of the address at once. Looking decides nothing: only the two buttons do. What options come to is counted by the
// server, which refuses an acceptance of any other total. All words come from the server with the page
// (serve/crm/quotes/words), in the language that the quote was sent in.

import { fetchFile, post } from "./api.js";
import { byId, h } from "./dom.js";
import { attempt, values } from "./forms.js";
import { longDay, money, number, percent } from "./format.js";
import { wear } from "./look.js";
import { end, inWords, say, speakAs, takeKey, unlessGone, why, words } from "./said.js";

const token = takeKey();
let shown = null;

async function enter() {
  const { data } = await post("/quotes/link", { token });
  if (!speakAs(data.language, token)) return;
  await wear(data.tenant_slug);
  show(data);
  byId("quote-title").focus();
}

function show(quote) {
  shown = quote;
  const isOpen = quote.state === "open";
  const name = say("page_quote", { number: quote.number ?? "" });
  document.title = `${name} · ${quote.tenant_name}`;
  byId("quote-title").textContent = quote.title ?? name;
  byId("state").textContent = isOpen ? "" : words[`page_${quote.state}`];
  byId("state").className = quote.state === "accepted" ? "pill good" : "pill";
  byId("about").textContent = about(quote);
  for (const id of ["introduction", "terms"]) {
    const parts = (quote[id] ?? "").split("\n").filter((part) => part.trim());
    byId(id).replaceChildren(...parts.map((part) => h("p", {}, part)));
  }
  showLines(quote, isOpen);
  showSums(quote);
  byId("accept").hidden = byId("decline").hidden = !isOpen;
  byId("accept").querySelector("button").textContent = say("page_accept_for", { amount: amount(quote.total_cents) });
  if (isOpen && !byId("name").value) byId("name").value = quote.recipient_name ?? "";
  byId("quote").hidden = false;
}

function about(quote) {
  const { decided_by_name: name } = quote;
  const parts = [say("page_quote_of", { number: quote.number ?? "", tenant: quote.tenant_name })];
  if (quote.version > 1) parts.push(say("page_version", { version: quote.version }));
  if (quote.recipient_name) parts.push(say("page_for", { name: quote.recipient_name }));
  if (quote.state === "open") parts.push(say("page_valid", { day: longDay(quote.valid_until) }));
  else if (name) parts.push(say("page_accepted_by", { name, day: longDay(quote.decided_at) }));
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
    items.push(h("li", { class: "group" }, say(mayBeNone ? "page_one_or_none" : "page_one_of", { group })));
    items.push(...lines.map((each) => lineOf(each, isOpen && (mayBeNone ? "checkbox" : "radio"))));
  }
  byId("lines").replaceChildren(...items);
}

function lineOf(line, kind) {
  const id = `line-${line.position}`;
  const box = kind && h("input", { id, type: kind, name: line.option_group ?? id, value: line.position, checked: line.is_chosen });
  const what = h(kind ? "label" : "span", kind ? { for: id } : { class: "what plain" }, line.description);
  const unit = line.unit ? ` ${line.unit}` : "";
  const price = `${number(line.quantity, 3)}${unit} × ${amount(line.unit_price_cents)}`;
  const about = [price];
  if (line.gross_cents !== line.net_cents) about.push(say("page_less", { amount: amount(line.gross_cents - line.net_cents) }));
  about.push(say("page_tax", { share: share(line.tax_basis_points) }));
  if (!kind && (line.is_optional || line.option_group)) about.push(words[line.is_counted ? "page_chosen" : "page_not_chosen"]);
  return h(
    "li",
    { class: line.is_counted ? null : "pale" },
    box,
    what,
    h("data", { value: line.net_cents }, amount(line.net_cents)),
    h("small", {}, about.join(", ")),
  );
}

function showSums(quote) {
  const rows = [];
  if (quote.discount_total_cents) {
    rows.push([words.subtotal, quote.subtotal_cents], [words.discount, -quote.discount_total_cents]);
  }
  rows.push([words.net, quote.net_cents]);
  for (const rate of quote.taxes) rows.push([say("tax", { share: share(rate.tax_basis_points) }), rate.tax_cents]);
  rows.push([words.total, quote.total_cents, "all"]);
  if (quote.deposit_cents) rows.push([words.page_deposit, quote.deposit_cents]);
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
    byId("asked").textContent = why(error);
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
    byId("asked").textContent = why(error);
  }
}

const amount = (cents) => money(cents, shown.currency, { cents: true, currencyDisplay: "symbol", useGrouping: "always" });
const share = (basisPoints) => percent(basisPoints / 10_000, { digits: 2 });

for (const [id, work] of [["accept", accept], ["decline", decline]]) {
  byId(id).addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(byId(id), () => inWords(work));
  });
}
byId("choice").addEventListener("change", choose);
byId("choice").addEventListener("submit", (event) => event.preventDefault());
byId("paper").addEventListener("click", savePaper);
if (token) unlessGone(enter).catch((error) => end(words.page_failed, why(error)));
