"""How calls about leads can fail."""

from serve.kernel.errors import Conflict


class StatusDoesNotFollow(Conflict):
    code, message = "LEAD_STATUS_DOES_NOT_FOLLOW", "A lead of that status cannot get this one."
