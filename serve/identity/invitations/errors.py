"""How calls about invitations can fail. Whoever has no token learns nothing about any of them."""

from typing import ClassVar

from serve.kernel.errors import Conflict, NotFound, Problem, Unauthenticated


class InvitationNotFound(NotFound):
    code, message = "INVITATION_NOT_FOUND", "There is no such invitation."


class InvitationOpen(Conflict):
    code, message = (
        "INVITATION_OPEN",
        "This address was invited already. Send that invitation again, or revoke it.",
    )


class InvitationOver(Conflict):
    code, message = "INVITATION_OVER", "This invitation was accepted or revoked."


class SentTooOften(Conflict):
    code, message = "SENT_TOO_OFTEN", "This invitation was sent often enough. Revoke it and invite anew."


class HasAccount(Conflict):
    code, message = "HAS_ACCOUNT", "This employee has an account here already."


class RoleGone(Conflict):
    code, message = "ROLE_GONE", "The role of this invitation is there no more. Ask for a new invitation."


class InvitationUseless(Problem):
    """The holder of the token may know why it opens nothing."""

    status: ClassVar[int] = 410
    code, message = "INVITATION_REPLACED", "A newer mail with another link was sent. Use that one."


class InvitationUsed(InvitationUseless):
    code, message = "INVITATION_USED", "This invitation was accepted already. Log in."


class InvitationRevoked(InvitationUseless):
    code, message = "INVITATION_REVOKED", "This invitation was taken back. Ask whoever invited you."


class InvitationExpired(InvitationUseless):
    code, message = "INVITATION_EXPIRED", "The time of this invitation is over. Ask for a new one."


class LogInFirst(Unauthenticated):
    code, message = (
        "LOG_IN_FIRST",
        "There is an account with this address. Log in to it, then accept the invitation.",
    )
