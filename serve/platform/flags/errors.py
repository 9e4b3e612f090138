"""How a flag can fail."""

from __future__ import annotations

from serve.kernel.errors import Conflict, Invalid
from serve.kernel.resources.errors import absent

FlagNotFound = absent("flag")


class FlagInvalid(Invalid):
    code, message = "FLAG_INVALID", "The parts of the flag do not go together."


class FlagArchived(Conflict):
    code, message = "FLAG_ARCHIVED", "An archived flag cannot be changed. Take it out of the archive first."


class NotAMember(Invalid):
    code, message = "NOT_A_MEMBER", "Nobody with that id belongs to this tenant."
