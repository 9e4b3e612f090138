// The page's life: come in, see the figures of a business or one's own account, move to another business, leave.

import { byId, h } from "./dom.js";
import { showDoor } from "./door.js";
import { announceEyes, areOpen, closeEyes } from "./eyes.js";
import { announce, hideFigures, prepareFigures, showFigures } from "./figures.js";
import { followLink } from "./links.js";
import { productName, wear } from "./look.js";
import { hideOwn, showOwn } from "./own.js";
import { ended, logOut, renew, resume } from "./session.js";

let session = null;

function open(opened) {
  session = opened;
  const isOwn = location.pathname === "/account" && !areOpen();
  byId("door").hidden = true;
  byId("board").hidden = false;
  for (const id of ["figures", "range", "stamps"]) byId(id).hidden = isOwn;
  byId("own").hidden = !isOwn;
  byId("skip").href = isOwn ? "#own" : "#figures";
  const { name, slug } = session.tenant;
  const title = isOwn ? "Your account" : name;
  wear(slug).then(() => session?.tenant.slug === slug && (document.title = `${title} · ${productName}`));
  byId("person").textContent = session.user.full_name;
  if (areOpen()) byId("person").removeAttribute("href"); // their account is theirs
  else byId("person").href = "/account";
  showBusinesses();
  announceEyes(session);
  if (isOwn) showOwn(session, { open, leave });
  else showFigures(session, (told) => (areOpen() ? back() : leave(told)));
}

function leave(told = "") {
  const { user, tenant } = session ?? {};
  hideFigures();
  hideOwn();
  session = null;
  ended();
  byId("board").hidden = true;
  wearAtDoor();
  showDoor(open, { told, email: user?.email, tenant: tenant?.slug });
}

/** From other eyes to one's own. */
async function back() {
  hideFigures();
  const own = await closeEyes();
  if (own) open(own);
  else leave();
}

function showBusinesses() {
  if (!session) return;
  const { tenant, memberships } = session;
  const many = memberships.length > 1 && !areOpen();
  byId("tenant-name").textContent = tenant.name;
  byId("tenant-name").classList.toggle("unseen", many);
  byId("tenant").hidden = !many;
  byId("tenant").replaceChildren(
    ...memberships.map(({ slug, name }) => h("option", { value: slug, selected: slug === tenant.slug }, name)),
  );
}

/** The session goes on for another business, if that one lets its people in by the way they came. */
async function move(slug) {
  const moved = await renew(slug);
  if (moved) open(moved);
  else leave("This session has ended. Log in again.");
}

/** What fails is said above the figures; the page stays as it is. */
async function trying(work) {
  try {
    await work();
  } catch (error) {
    announce(error.message);
    showBusinesses();
  }
}

/** Before anybody has logged in the address says whose door it is. */
async function wearAtDoor() {
  await wear(new URLSearchParams(location.search).get("client"));
  if (!session) document.title = productName;
}

async function enter() {
  if (location.search) wearAtDoor();
  if (followLink()) return;
  try {
    const known = await resume();
    if (known) open(known);
    else showDoor(open);
  } catch (error) {
    showDoor(open, { told: error.message });
  }
}

prepareFigures();
byId("tenant").addEventListener("change", (event) => trying(() => move(event.target.value)));
byId("logout").addEventListener("click", () =>
  trying(async () => {
    if (areOpen()) await closeEyes();
    await logOut();
    leave();
  }),
);
byId("end-eyes").addEventListener("click", () => trying(back));
window.addEventListener("hashchange", followLink);
enter();
