// Coming in: the log-in form, the choice of a business, and the change to another one.

import { byId, h } from "./dom.js";
import { logIn } from "./session.js";

const login = byId("login");
const choice = byId("choice");
const dialog = byId("switch");

/** Show the log-in form; `opened(session)` is called once somebody is in. `told` says why the form is there. */
export function showDoor(opened, { told = "", email = "", tenant = null } = {}) {
  choice.hidden = true;
  login.hidden = false;
  say(login, told);
  login.email.value = email || login.email.value;
  login.password.value = "";
  byId("door").hidden = false;
  (login.email.value ? login.password : login.email).focus();
  login.onsubmit = (event) => {
    event.preventDefault();
    const again = login.email.value === email ? tenant : null;
    attempt(login, async () => {
      const session = await logIn(login.email.value, login.password.value, again);
      if (again || session.memberships.length < 2) close(session, opened);
      else choose(session, opened);
    });
  };
}

function choose(session, opened) {
  login.hidden = true;
  choice.hidden = false;
  say(choice, "");
  const buttons = session.memberships.map((membership) => {
    const button = h("button", { type: "button" }, h("b", {}, membership.name), h("span", {}, membership.role));
    button.onclick = () =>
      attempt(choice, async () => {
        const isIn = membership.tenant_id === session.tenant.tenant_id;
        close(isIn ? session : await logIn(login.email.value, login.password.value, membership.slug), opened);
      });
    return button;
  });
  byId("businesses").replaceChildren(...buttons);
  buttons[0].focus();
}

function close(session, opened) {
  login.password.value = "";
  byId("door").hidden = true;
  opened(session);
}

/** Ask for the password and move to another business; `opened(session)` or `stayed()` follows. */
export function askSwitch(user, membership, opened, stayed) {
  const form = dialog.querySelector("form");
  byId("switch-title").textContent = `Switch to ${membership.name}`;
  form.email.value = user.email;
  form.password.value = "";
  say(form, "");
  let session = null;
  form.onsubmit = (event) => {
    event.preventDefault();
    attempt(form, async () => {
      session = await logIn(user.email, form.password.value, membership.slug);
      dialog.close();
    });
  };
  form.querySelector("[value=cancel]").onclick = () => dialog.close();
  dialog.onclose = () => {
    form.password.value = "";
    if (session) opened(session);
    else stayed();
  };
  dialog.showModal();
}

async function attempt(form, work) {
  const buttons = form.querySelectorAll("button");
  say(form, "");
  for (const button of buttons) button.disabled = true;
  try {
    await work();
  } catch (error) {
    say(form, error.message);
    form.password?.select();
  } finally {
    for (const button of buttons) button.disabled = false;
  }
}

const say = (form, text) => {
  form.querySelector(".error").textContent = text;
};
