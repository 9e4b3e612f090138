// What the links of mails about accounts open: /account#word=token. Behind the #, no server on the way writes the token
// down; it is taken out of the address at once, and nothing is done with it before somebody presses a button. To
// /account#refused=… the browser is led whom an organisation's log-in did not let in.

import { ApiError, post } from "./api.js";
import { byId, h } from "./dom.js";
import { showDoor } from "./door.js";
import { clock, day, words } from "./format.js";
import { ask, attempt, clear, showCard, values } from "./forms.js";
import { wear } from "./look.js";
import { refusalOf } from "./refusals.js";
import { comeIn, ended, resume } from "./session.js";

const LOG_IN = ["Log in", "/"];
const FORGOT = ["Ask for a new link", "/account#forgot"];

/** By the word of the link: what its card sends, and where to go when the link is good no more. */
const LINKS = {
  confirm: { send: begin("/auth/confirm-registration"), otherwise: [LOG_IN] },
  email: { send: confirmEmail, otherwise: [LOG_IN] },
  reset: { send: reset, otherwise: [FORGOT, LOG_IN] },
  forgot: { send: forgot, needsNoToken: true },
  invitation: { show: showInvitation, send: accept, otherwise: [LOG_IN] },
};
/** Where links of older mails lead: pages of their own that customers have by now. */
const MOVED = new Map([["rating", "/tickets/rate"], ["review", "/reviews/answer"]]);
const GONE = [404, 410];

/** Whether the address is that of a link. Then its card is shown, and nothing else of the page is needed. */
export function followLink() {
  const [word, token = ""] = location.hash.slice(1).split("=", 2);
  const link = LINKS[word];
  const moved = MOVED.get(word);
  if (location.pathname !== "/account" || !(link || moved || word === "refused")) return false;
  if (moved) {
    location.replace(`${moved}#${token}`);
    return true;
  }
  history.replaceState(null, "", location.pathname + location.search); // not in the history, nor in what is shared
  if (!link) {
    tellRefusal(token);
    return true;
  }
  const form = byId(`link-${word}`);
  clear(form);
  form.onsubmit = (event) => {
    event.preventDefault();
    attempt(form, () => unlessGone(link, () => link.send(token, form)));
  };
  if (!token && !link.needsNoToken) {
    finish("That did not work", "This link has no key in it. Open it from the mail once more.", link.otherwise);
  } else {
    unlessGone(link, () => (link.show ?? open)(token, form)).catch((error) => finish("That did not work", error.message));
  }
  return true;
}

function open(_, form) {
  showCard(form.id);
  form.querySelector("input:not(.unseen), button").focus();
}

async function unlessGone(link, work) {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof ApiError) || !GONE.includes(error.status)) throw error;
    finish("This link opens nothing any more", error.message, link.otherwise);
  }
}

function begin(path) {
  return async (token, form) => {
    await comeIn(path, { token, ...values(form) });
    location.replace("/");
  };
}

async function confirmEmail(token) {
  const { data } = await post("/auth/confirm-email", { token });
  finish("Thank you", `${data.email} is the address of your account.`, [["Go on", "/"]]);
}

async function reset(token, form) {
  await post("/auth/reset-password", { token, ...values(form) });
  form.reset();
  ended(); // all sessions of the account, in this browser too
  finish("Your new password is set", "All your sessions are over. Log in with the new password now.", [LOG_IN]);
}

async function forgot(_, form) {
  const { data } = await post("/auth/forgot-password", values(form));
  const until = `${day(data.works_until)}, ${clock(data.works_until)}`;
  finish("Look into your mail", `If ${data.email} has an account, a link is on its way. It works until ${until}.`, [LOG_IN]);
}

/** Who invites, to what; somebody new chooses a password, whoever has an account is logged in or gives theirs. */
async function showInvitation(token, form) {
  const { data } = await post("/employees/validate-invitation", { token });
  wear(data.tenant_slug);
  form.querySelector("h1").textContent = `${data.tenant_name} invites you`;
  form.querySelector(".hint").textContent =
    `To work there as ${words(data.role).toLowerCase()}. For ${data.email}, until ${day(data.expires_at)}.`;
  const session = data.has_account !== false && (await resume().catch(() => null));
  form.full_name.value = data.full_name ?? "";
  askWho(form, { isNew: !data.has_account && !session, isIn: Boolean(session) }, session?.user?.email);
  if (data.has_account === null) form.querySelector("[value=log-in]").hidden = Boolean(session);
  open(token, form);
}

/** What the endpoint wants of them: name and password, the password of the account, or nothing but the session. */
function askWho(form, { isNew, isIn }, email = "") {
  ask(form.full_name, isNew);
  ask(form.password, !isIn);
  form.password.autocomplete = isNew ? "new-password" : "current-password";
  form.password.labels[0].textContent = isNew ? "Choose a password" : "Password of your account";
  const known = "There is an account with this address: accept with its password, or log in first.";
  form.querySelector(".who").textContent = isIn ? `You are logged in as ${email}.` : isNew ? "" : known;
  form.querySelector("[value=log-in]").hidden = isNew || isIn;
  form.querySelector("[value=log-in]").onclick = () => logInFirst(form);
}

async function accept(token, form) {
  try {
    await begin("/employees/accept-invitation")(token, form);
  } catch (error) {
    if (error.code !== "LOG_IN_FIRST") throw error;
    logInFirst(form, error.message);
  }
}

/** By whichever way the account has: a second factor, a passkey. The invitation waits meanwhile. */
function logInFirst(form, told = "Log in to your account, then accept the invitation.") {
  const opened = (session) => {
    askWho(form, { isIn: true }, session.user.email);
    open(null, form);
  };
  showDoor(opened, { told });
}

function tellRefusal(said) {
  const { text, forAdministrators } = refusalOf(said);
  finish("You are not logged in", text, [["Begin again", "/"]], forAdministrators);
}

/** The end of a link: what came of it, and where to go from here. */
function finish(title, text, ways = [], aside = "") {
  const card = byId("link-done");
  card.querySelector(".hint").textContent = aside;
  card.querySelector("h1").textContent = title;
  card.querySelector(".told").textContent = text;
  card.querySelector(".ways").replaceChildren(...ways.map(([name, href]) => h("a", { href }, name)));
  showCard(card.id);
  card.querySelector("h1").focus();
}
