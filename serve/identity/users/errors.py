"""How calls about people can fail."""

from serve.kernel.errors import Conflict


class AlreadyMember(Conflict):
    code, message = "ALREADY_MEMBER", "Somebody with this e-mail address belongs to this tenant already."


class LastOwner(Conflict):
    code, message = "LAST_OWNER", "This is the last owner. Make somebody else an owner first."


class OwnAccount(Conflict):
    code, message = "OWN_ACCOUNT", "Nobody changes their own role, or switches themselves off."


class BelongsElsewhere(Conflict):
    code, message = (
        "BELONGS_ELSEWHERE",
        "This person belongs to other tenants too, and alone can change their name and e-mail address.",
    )
