"""How assigning a lead can fail."""

from serve.kernel.errors import Conflict


class NobodyFree(Conflict):
    code, message = (
        "NOBODY_FREE",
        "No rule of assignment fits this lead, or all of its members have left or have enough. Say who gets it.",
    )
