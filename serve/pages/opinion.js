// How content somebody is, asked behind the link of a mail (serve/crm/opinions). Nothing is sent before they press the
// button. All words come from the server with the page, in the language of the mail.

import { post } from "./api.js";
import { byId } from "./dom.js";
import { attempt, values } from "./forms.js";
import { wear } from "./look.js";
import { end, inWords, say, takeKey, unlessGone, why, words } from "./said.js";

/** `path` takes what they say, and its `/show` tells what it is about, in the words of `about`. `ways` are links at the end. */
export function askOpinion(path, about, ways = () => []) {
  const form = byId("opinion");
  const token = takeKey();

  async function enter() {
    const { data } = await post(`${path}/show`, { token });
    await wear(data.tenant_slug);
    byId("about").textContent = about(data);
    form.rating.value = data.rating ?? "";
    form.comment.value = data.comment ?? "";
    form.hidden = false;
    form.rating.focus();
  }

  async function answer() {
    const { rating, comment } = values(form);
    const { data } = await post(path, { token, rating: Number(rating), comment: comment || null });
    await end(words.page_thanks, say("page_thanks_for", { tenant: data.tenant_name }), ways(data));
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(form, () => inWords(() => unlessGone(answer)));
  });
  if (token) unlessGone(enter).catch((error) => end(words.page_failed, why(error)));
}
