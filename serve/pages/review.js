// What a customer thinks of the work: /reviews/answer?language=de#key. Nothing is sent before they press the button. All
// words come from the server with the page (serve/crm/reviews), in the language of the mail.

import { post } from "./api.js";
import { byId, h } from "./dom.js";
import { attempt, values } from "./forms.js";
import { wear } from "./look.js";
import { end, inWords, say, takeKey, unlessGone, why, words } from "./said.js";

const form = byId("opinion");
const token = takeKey();

async function enter() {
  const { data } = await post("/review-links/show", { token });
  await wear(data.tenant_slug);
  const about = { tenant: data.tenant_name, service: data.service };
  byId("about").textContent = say(data.service === null ? "page_about" : "page_about_work", about);
  form.rating.value = data.rating ?? "";
  form.comment.value = data.comment ?? "";
  form.hidden = false;
  form.rating.focus();
}

async function answer() {
  const { rating, comment } = values(form);
  const { data } = await post("/review-links", { token, rating: Number(rating), comment: comment || null });
  const ways = data.publish_at ? [h("a", { href: data.publish_at }, words.page_publish)] : [];
  byId("over").querySelector(".ways").replaceChildren(...ways);
  await end(words.page_thanks, say("page_thanks_for", { tenant: data.tenant_name }));
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  attempt(form, () => inWords(() => unlessGone(answer)));
});
if (token) unlessGone(enter).catch((error) => end(words.page_failed, why(error)));
