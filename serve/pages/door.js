// Coming in: by password and second factor, by passkey, or by the organisation's own log-in; then the choice of a business.

import { ApiError, post } from "./api.js";
import { byId, h } from "./dom.js";
import { attempt, say, showCard } from "./forms.js";
import * as passkeys from "./passkeys.js";
import { comeIn, expect, renew } from "./session.js";

const login = byId("login");
const second = byId("second");
const choice = byId("choice");
const provider = byId("provider");
let then = null; // {opened, email, tenant}: what follows, who was here a moment ago, and at which business

/** Show the log-in form; `opened(session)` is called once somebody is in. `told` says why the form is there. */
export function showDoor(opened, { told = "", email = "", tenant = null } = {}) {
  then = { opened, email, tenant };
  showCard("login");
  say(login, told);
  login.email.value = email || login.email.value;
  login.password.value = "";
  (login.email.value ? login.password : login.email).focus();
  discover();
}

/** The business that whoever comes back has left. */
const before = () => (login.email.value === then.email ? then.tenant : null);

function withPassword(code) {
  const { email, password } = login;
  return comeIn("/auth/login", { email: email.value, password: password.value, tenant: before(), code });
}

async function byPassword() {
  try {
    enter(await withPassword(), before());
  } catch (error) {
    if (error.code !== "SECOND_FACTOR_NEEDED") {
      login.password.select();
      throw error;
    }
    askSecond(error.details.map(({ field }) => field));
  }
}

async function byPasskey() {
  enter(await comeIn("/auth/passkeys/login", { credential: await passkeys.answer() }), null);
}

/** The password was right; `ways` are what else proves who it is. */
function askSecond(ways) {
  showCard("second");
  say(second, "");
  second.code.value = "";
  second.querySelector("[value=passkey]").hidden = !(passkeys.arePossible && ways.includes("passkey"));
  second.code.focus();
}

function enter(session, tenant) {
  login.password.value = second.code.value = "";
  if (tenant || session.memberships.length < 2) finish(session);
  else choose(session);
}

function choose(session) {
  showCard("choice");
  say(choice, "");
  const buttons = session.memberships.map((membership) => {
    const button = h("button", { type: "button" }, h("b", {}, membership.name), h("span", {}, membership.role));
    button.onclick = () =>
      attempt(choice, async () => {
        const isIn = membership.tenant_id === session.tenant.tenant_id;
        finish(isIn ? session : await renew(membership.slug));
      });
    return button;
  });
  byId("businesses").replaceChildren(...buttons);
  buttons[0].focus();
}

function finish(session) {
  byId("door").hidden = true;
  if (session) then.opened(session);
  else showDoor(then.opened, { told: "This session has ended. Log in again." });
}

/** Whether people of this address's domain come in by their own house; who cannot be told so still has a password. */
async function discover() {
  const email = login.email.value;
  provider.hidden = true;
  if (!login.email.validity.valid || !email) return;
  try {
    const { data } = await post("/auth/sso/discover", { email });
    if (login.email.value !== email || !data.has_connection) return;
    const query = new URLSearchParams({ return_to: location.pathname, login_hint: email });
    provider.querySelector("a").href = `${data.start_url}?${query}`;
    provider.querySelector(".hint").textContent = data.is_enforced
      ? "Your organisation lets you in by its own log-in."
      : "Or with a password of your own:";
    provider.hidden = false;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
  }
}

function on(form, work) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(form, work);
  });
}

on(login, byPassword);
on(second, async () => enter(await withPassword(second.code.value), before()));
login.email.addEventListener("change", discover);
provider.querySelector("a").addEventListener("click", expect);
login.querySelector("[value=passkey]").hidden = !passkeys.arePossible;
for (const form of [login, second]) {
  form.querySelector("[value=passkey]").addEventListener("click", () => attempt(form, byPasskey));
}
second.querySelector("[value=back]").addEventListener("click", () => showDoor(then.opened));
