// Why nobody came in by an organisation's log-in, in words, and what to do. The address has a code of ours and the number
// of the request, and no sentence: what stands on the page is written here.

const TRY = "Try again in a moment.";
const SENTENCES = {
  SSO_STATE_UNKNOWN:
    "It took more than ten minutes, was used already, or was begun in another browser. Begin again, and stay in one browser.",
  SSO_PROVIDER_REFUSED:
    "Your organisation's log-in did not let you in, or it was called off there. Begin again, or ask those who look after it.",
  SSO_ANSWER_REFUSED:
    "What your organisation's log-in said of you could not be trusted, so nobody was let in. Begin again; if it happens" +
    " once more, somebody has to look at how the two are connected.",
  SSO_NOT_ADMITTED:
    "Your organisation's log-in knows you, but you have no access here yet. Ask an administrator to invite you, or to give" +
    " your group a role.",
  SSO_CONNECTION_NOT_FOUND:
    "This way in does not exist, or was switched off. Log in with a password if you have one, or ask an administrator.",
  NO_MEMBERSHIP: "Your account does not belong to this business any more. Ask an administrator to invite you.",
  UNAUTHENTICATED: "Your account was switched off. Ask an administrator.",
  OUTSIDE_FAILED: `Your organisation's log-in has failed or does not answer. ${TRY}`,
  OUTSIDE_SLOW: `Your organisation's log-in does not answer in time. ${TRY}`,
  DATABASE_UNAVAILABLE: `Something that is needed to let you in is not running at the moment. ${TRY}`,
};
const OTHERWISE = "Something stood in the way of letting you in. Begin again; if it happens once more, tell an administrator.";
const REFUSAL = /^([A-Z][A-Z_]{1,40})\/([A-Za-z0-9._-]{1,64})$/;

/** {text, forAdministrators} of what stands behind `#refused=`; whatever else may stand there is not repeated. */
export function refusalOf(said) {
  const [, code, requestId] = REFUSAL.exec(said) ?? [];
  return {
    text: (Object.hasOwn(SENTENCES, code) && SENTENCES[code]) || OTHERWISE,
    forAdministrators: code ? `For an administrator: ${code}, request ${requestId}` : "",
  };
}
