// One's own account: password, second factors, passkeys, open sessions; and, for who may, the way to look with other eyes.

import { ApiError, change, forget, get, post } from "./api.js";
import { byId, h } from "./dom.js";
import { openEyes } from "./eyes.js";
import { clock, count, day, words } from "./format.js";
import { attempt, clear, say, values } from "./forms.js";
import * as passkeys from "./passkeys.js";
import { beCarefulFor, carefully } from "./proof.js";
import { renew } from "./session.js";

const page = byId("own");
const part = (name) => byId(`own-${name}`);
const body = (name) => part(name).querySelector(".body");
const [password, totp, passkey, eyes] = ["password", "totp", "passkeys", "eyes"].map((name) =>
  part(name).querySelector("form"),
);
let shell = null; // {open, leave} of the page around

/** Show the account of whoever is here. */
export async function showOwn(session, around) {
  shell = around;
  const { full_name: name, email } = session.user;
  password.email.value = email;
  beCarefulFor(email, shell.leave);
  part("name").textContent = name;
  part("email").textContent = email;
  page.focus();
  say(page, "");
  await draw().catch((error) => say(page, error.message));
}

/** Nothing of somebody stays on a page that they have left. */
export function hideOwn() {
  for (const form of [password, totp, passkey, eyes]) form.reset();
  for (const drawn of [part("name"), part("email"), ...page.querySelectorAll(".body")]) drawn.replaceChildren();
  eyes.user.replaceChildren();
  endTotp();
  tell("");
}

async function draw() {
  const me = await who();
  const paths = ["/auth/factors", "/auth/passkeys", "/auth/sessions"];
  const answers = await Promise.all(paths.map((path) => get(path)));
  const [factors, keys, sessions] = answers.map(({ data }) => data);
  const isEnrolment = me === null;
  part("demand").hidden = !isEnrolment;
  part("home").hidden = isEnrolment;
  part("password").hidden = isEnrolment;
  password.hidden = !me?.profile.has_password;
  part("no-password").hidden = !password.hidden;
  drawTotp(factors);
  drawPasskeys(keys);
  drawCodes(factors.recovery_codes);
  drawSessions(sessions);
  await drawEyes(me);
}

/** Null while the session is good for nothing but setting up a second factor. */
async function who() {
  try {
    return (await carefully(() => get("/auth/me"))).data;
  } catch (error) {
    if (error instanceof ApiError && error.code === "ENROLMENT_NEEDED") return null;
    throw error;
  }
}

/** Draw what is so after a change, say what was done, and show new recovery codes this once. */
async function changed(told, codes = null) {
  forget();
  await renew(); // a token from before one proved more counts no more
  await draw();
  tell(told);
  if (codes) showCodes(codes);
}

const tell = (text) => {
  part("told").textContent = text;
};

const button = (name, work, props = {}) => {
  const made = h("button", { type: "button", class: "quiet", ...props }, name);
  made.addEventListener("click", () => attempt(made.closest("section"), () => work()));
  return made;
};

function on(form, work) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(form, work);
  });
}

// Password

on(password, async () => {
  const { current_password, password: chosen } = values(password);
  await carefully(() => change("PUT", "/auth/me", { current_password, password: chosen }));
  password.current_password.value = password.password.value = "";
  await changed("Your password is changed, and all your other sessions are over.");
});

// One-time codes

function drawTotp({ totp: app }) {
  const used = app?.last_used_at ? `, last used on ${day(app.last_used_at)}` : "";
  body("totp").replaceChildren(
    h("p", { class: "about" }, app ? `On since ${day(app.since)}${used}.` : "Off. An app on your phone shows a new code every 30 seconds."),
    app ? button("Remove", removeTotp) : button("Set up", beginTotp),
  );
}

async function beginTotp() {
  const { data } = await carefully(() => post("/auth/factors/totp"));
  const alt = "The same as a picture, for your authenticator app";
  totp.querySelector(".picture").replaceChildren(h("img", { class: "qr", src: data.qr_svg, alt, width: 210 }));
  totp.querySelector("code").textContent = data.secret.match(/.{1,4}/g).join(" ");
  clear(totp);
  totp.hidden = false;
  totp.code.focus();
}

function endTotp() {
  totp.hidden = true;
  totp.reset();
  totp.querySelector(".picture").replaceChildren();
  totp.querySelector("code").textContent = "";
}

on(totp, async () => {
  const { data } = await carefully(() => post("/auth/factors/totp/confirm", values(totp)));
  endTotp();
  await changed("One-time codes are on: log-in asks for one from now on.", data.new_recovery_codes);
});

async function removeTotp() {
  await carefully(() => change("DELETE", "/auth/factors/totp"));
  await changed("One-time codes are off.");
}

// Passkeys

function drawPasskeys(keys) {
  passkey.hidden = !passkeys.arePossible;
  body("passkeys").replaceChildren(
    keys.length ? h("ul", { class: "rows" }, keys.map(keyRow)) : h("p", { class: "about" }, "None yet. A passkey signs you in with the lock of your device."),
  );
}

function keyRow({ id, name, is_synced: isSynced, created_at: since, last_used_at: used }) {
  const told = [`since ${day(since)}`, used && `last used on ${day(used)}`, isSynced && "kept on several devices"];
  const remove = async () => {
    await carefully(() => change("DELETE", `/auth/passkeys/${id}`));
    await changed(`The passkey ${name} opens nothing any more.`);
  };
  return h(
    "li",
    {},
    h("div", {}, h("b", {}, name), h("p", { class: "about" }, told.filter(Boolean).join(", "))),
    button("Remove", remove, { "aria-label": `Remove ${name}` }),
  );
}

on(passkey, async () => {
  const { name } = values(passkey);
  const credential = await carefully(passkeys.made);
  const { data } = await carefully(() => post("/auth/passkeys", { name, credential }));
  passkey.reset();
  await changed(`The passkey ${data.name} is yours.`, data.new_recovery_codes);
});

// Recovery codes

function drawCodes(codes) {
  part("codes").hidden = !codes;
  if (!codes) return;
  body("codes").replaceChildren(
    h("p", { class: "about" }, `${count(codes.left, "code")} left, made on ${day(codes.since)}.`),
    button("Make new ones", async () => {
      const { data } = await carefully(() => post("/auth/factors/recovery-codes"));
      await changed("The codes of before work no more.", data.recovery_codes);
    }),
  );
}

function showCodes(codes) {
  const list = h("ol", { class: "codes", tabindex: "-1" }, codes.map((code) => h("li", {}, h("code", {}, code))));
  body("codes").prepend(
    h("p", {}, "Keep these where your phone is not. Each works once in its place. They are shown now and never again."),
    list,
  );
  list.focus();
}

// Sessions

const WAYS = { password: "password", totp: "code of the app", recovery_code: "recovery code", passkey: "passkey" };

function drawSessions(sessions) {
  const endOthers = async () => {
    await carefully(() => post("/auth/sessions/end-others"));
    await changed("All your other sessions are over.");
  };
  body("sessions").replaceChildren(
    h("ul", { class: "rows" }, sessions.map(sessionRow)),
    ...(sessions.length > 1 ? [button("End all others", endOthers)] : []),
  );
}

function sessionRow(session) {
  const { id, is_current: isHere, tenant_name: tenant, kind, methods, user_agent: agent, address, used_at: used } = session;
  const by = methods.map((method) => WAYS[method] ?? words(method).toLowerCase()).join(" and ");
  const told = [tenant, kind !== "web" && kind, by && `by ${by}`, address, `used ${day(used)}, ${clock(used)}`];
  const end = async () => {
    await carefully(() => change("DELETE", `/auth/sessions/${id}`));
    await changed("That session is over.");
  };
  return h(
    "li",
    {},
    h("div", {}, h("b", {}, device(agent)), h("p", { class: "about" }, told.filter(Boolean).join(" · "))),
    isHere ? h("span", { class: "pill good" }, "This one") : button("End", end, { "aria-label": `End ${device(agent)}` }),
  );
}

/** "Firefox on Linux", or what the device says of itself. */
function device(agent) {
  if (!agent) return "Unknown device";
  const browser = ["Edg", "OPR", "Firefox", "Chrome", "Safari"].find((name) => agent.includes(`${name}/`));
  const system = ["Android", "iPhone", "iPad", "Windows", "Mac OS", "Linux"].find((name) => agent.includes(name));
  const name = { Edg: "Edge", OPR: "Opera" }[browser] ?? browser;
  return name && system ? `${name} on ${system}` : agent.slice(0, 60);
}

// Other eyes

async function drawEyes(me) {
  part("eyes").hidden = !me?.permissions.includes("users:impersonate");
  if (part("eyes").hidden || eyes.user.options.length) return;
  const { data } = await carefully(() => get("/admin/users?state=active&limit=1000"));
  const others = data.filter(({ id }) => id !== me.user.id);
  eyes.user.replaceChildren(
    ...others.map(({ id, full_name: name, role }) => h("option", { value: id }, `${name} (${role})`)),
  );
}

on(eyes, async () => {
  const { user, reason, minutes } = values(eyes);
  const seen = await carefully(() => openEyes(user, reason, Number(minutes)));
  hideOwn();
  history.replaceState(null, "", "/");
  shell.open(seen);
});
