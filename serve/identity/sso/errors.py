"""How single sign-on can fail. What is said to whoever signs in is ours: no word of a provider is repeated."""

from serve.kernel.errors import Conflict, Forbidden, NotFound, Unauthenticated


class SsoConnectionNotFound(NotFound):
    code, message = "SSO_CONNECTION_NOT_FOUND", "There is no such connection, or it is switched off."


class SsoDomainNotFound(NotFound):
    code, message = "SSO_DOMAIN_NOT_FOUND", "There is no such domain."


class SsoDomainTaken(Conflict):
    code, message = "SSO_DOMAIN_TAKEN", "Somebody else has proven that this domain is theirs."


class SsoDomainNotProven(Conflict):
    code, message = (
        "SSO_DOMAIN_NOT_PROVEN",
        "The domain is not proven: its DNS has no TXT record with the value that was given.",
    )


class SsoStateUnknown(Unauthenticated):
    code, message = (
        "SSO_STATE_UNKNOWN",
        "This sign-in was not begun in this browser, took too long, or has been used. Begin again.",
    )


class SsoProviderRefused(Unauthenticated):
    code, message = "SSO_PROVIDER_REFUSED", "The identity provider did not let you in."


class SsoAnswerRefused(Unauthenticated):
    """``message`` says which rule was broken, in words of ours."""

    code, message = "SSO_ANSWER_REFUSED", "What the identity provider says cannot be trusted."

    def __init__(self, why: str | None = None) -> None:
        super().__init__(f"What the identity provider says cannot be trusted: {why}." if why else None)


class SsoNotAdmitted(Forbidden):
    """``message`` says why this person is not let in."""

    code, message = "SSO_NOT_ADMITTED", "The identity provider knows you, but you are not let in here."


class SsoRequired(Forbidden):
    code, message = "SSO_REQUIRED", "Your organisation lets you in only by its own log-in."


class SsoOneTenant(Forbidden):
    code, message = (
        "SSO_ONE_TENANT",
        "Who came in by an organisation's log-in works for that organisation alone. Log in anew for another one.",
    )
