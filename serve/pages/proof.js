// Proving once more who one is: what is risky asks for it, in the middle of whatever was begun.

import { get, post } from "./api.js";
import { byId } from "./dom.js";
import { ask, attempt, clear } from "./forms.js";
import * as passkeys from "./passkeys.js";
import { renew } from "./session.js";

const STALE = ["UNAUTHENTICATED", "TOKEN_STALE"];
const dialog = byId("proof");
const form = dialog.querySelector("form");
let over = null;

/** Do it; once more with a new token when that had ended, or with a new proof when one is asked for. Throws ApiError. */
export async function carefully(work) {
  try {
    return await work();
  } catch (error) {
    if (error.code === "STEP_UP_NEEDED") {
      if (!(await prove())) throw new Error("Nothing was changed: it needs a proof of who you are.");
    } else if (!STALE.includes(error.code)) {
      throw error;
    } else if (!(await renew())) {
      over(error.message);
      throw error;
    }
    return carefully(work);
  }
}

/** Whose session it is (password managers want to know), and what to do once it turns out to be over. */
export function beCarefulFor(email, whenOver) {
  form.email.defaultValue = email;
  over = whenOver;
}

/** Ask for what the account has: a code or a passkey, else the password. False when it was called off. */
async function prove() {
  const { data: factors } = await get("/auth/factors");
  const byCode = factors.ways.some((way) => way !== "passkey");
  clear(form);
  form.reset();
  ask(form.password, !factors.has_second_factor);
  ask(form.code, byCode);
  form.querySelector("[type=submit]").hidden = factors.has_second_factor && !byCode;
  form.querySelector("[value=passkey]").hidden = !(passkeys.arePossible && factors.passkey_count);
  const isProven = new Promise((done) => {
    const send = (proof) =>
      attempt(form, async () => {
        await post("/auth/step-up", await proof());
        dialog.close("proven");
      });
    form.onsubmit = (event) => {
      event.preventDefault();
      const [name, value] = form.code.disabled ? ["password", form.password.value] : ["code", form.code.value];
      send(async () => ({ [name]: value }));
    };
    form.querySelector("[value=passkey]").onclick = () => send(async () => ({ credential: await passkeys.answer() }));
    form.querySelector("[value=cancel]").onclick = () => dialog.close("");
    dialog.onclose = () => {
      form.reset();
      done(dialog.returnValue === "proven");
      dialog.returnValue = "";
    };
  });
  dialog.showModal();
  return isProven;
}
