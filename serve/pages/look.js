// The look of a business over the product's own: style sheet, name, pictures, what stands at the foot. Everybody may know
// it, so the log-in page can wear it too: /?client=example-fleet.

import { ApiError, get } from "./api.js";
import { byId, h } from "./dom.js";

const OURS = { product_name: "Throughline", logo_url: null, favicon_url: null, support_address: null, legal_lines: [] };
const ICON = "/pages/icon.svg";
let asked = null; // whose look is wanted now; a slower answer for another one comes too late

/** The name under which the product is shown. */
export let productName = OURS.product_name;

/** Wear the look of the business with this slug, or our own without one. Resolves when it is on. */
export async function wear(slug) {
  asked = slug;
  const look = slug ? await known(slug) : OURS;
  if (asked !== slug) return;
  productName = look.product_name;
  for (const brand of document.querySelectorAll(".brand")) {
    const [picture, name] = [brand.querySelector("img"), brand.querySelector(".brand-name")];
    picture.src = look.logo_url ?? ICON;
    picture.alt = look.logo_url ? productName : "";
    picture.classList.toggle("logo", Boolean(look.logo_url));
    name.textContent = productName;
    name.hidden = Boolean(look.logo_url);
  }
  byId("icon").href = look.favicon_url ?? ICON;
  byId("legal").replaceChildren(...look.legal_lines.map((line) => h("span", {}, line)), ...help(look.support_address));
  await dress(look.stylesheet_url);
}

async function known(slug) {
  try {
    return (await get(`/b2b/white-label/${encodeURIComponent(slug)}`)).data;
  } catch (error) {
    if (error instanceof ApiError) return OURS; // without its look a page is still of use
    throw error;
  }
}

/** The new sheet is on before the old one is off. */
async function dress(url) {
  const old = byId("look");
  if (old?.getAttribute("href") === url) return;
  if (url) {
    const sheet = h("link", { rel: "stylesheet", href: url });
    const isLoaded = new Promise((done) => (sheet.onload = sheet.onerror = done));
    document.head.append(sheet);
    await isLoaded;
    old?.remove();
    sheet.id = "look";
  } else {
    old?.remove();
  }
}

const help = (address) => (address ? [h("a", { href: `mailto:${address}` }, address)] : []);
