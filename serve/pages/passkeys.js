// Passkeys: what the browser is asked for, in the standard's own JSON forms. What the person calls off is no error.

import { post } from "./api.js";

/** Whether this browser knows them. */
export const arePossible = typeof window.PublicKeyCredential?.parseRequestOptionsFromJSON === "function";

/** An answer of one of the person's passkeys, for signing in or proving once more. Throws ApiError or CalledOff. */
export async function answer() {
  const { data } = await post("/auth/passkeys/login/options");
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(data);
  return given(navigator.credentials.get({ publicKey }));
}

/** A new passkey, for registering it. Throws ApiError or CalledOff. */
export async function made() {
  const { data } = await post("/auth/passkeys/options");
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(data);
  return given(navigator.credentials.create({ publicKey }));
}

class CalledOff extends Error {}

const REASONS = {
  InvalidStateError: "This device holds a passkey of this account already.",
  SecurityError: "Passkeys do not work under this address. Open the page under the one that its mails name.",
};

async function given(asking) {
  try {
    return (await asking).toJSON();
  } catch (error) {
    throw new CalledOff(REASONS[error.name] ?? "The device gave no passkey. Try again, or choose another way.");
  }
}
