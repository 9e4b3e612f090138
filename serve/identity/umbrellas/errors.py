"""How joining and leaving an umbrella can fail. No child has children: `NoUmbrella` stands with the tenants."""

from serve.kernel.errors import Conflict, NotFound


class UmbrellaRequestNotFound(NotFound):
    code, message = "UMBRELLA_REQUEST_NOT_FOUND", "There is no such umbrella request."


class RequestOver(Conflict):
    code, message = "UMBRELLA_REQUEST_OVER", "The request was answered, withdrawn, or is too old."


class AskedAlready(Conflict):
    code, message = "ASKED_ALREADY", "This tenant was asked already: wait for its answer."


class TooManyAsked(Conflict):
    code, message = "TOO_MANY_ASKED", "Too many requests wait for an answer. Withdraw some first."


class HasUmbrella(Conflict):
    code, message = "HAS_UMBRELLA", "The tenant is the child of an umbrella. It has to leave that one first."


class HasChildren(Conflict):
    code, message = (
        "HAS_CHILDREN",
        "The tenant is an umbrella itself, and no umbrella is the child of another.",
    )


class UmbrellaGone(Conflict):
    code, message = "UMBRELLA_GONE", "Who asked is no umbrella any more, or stands still."


class NoChild(Conflict):
    code, message = "NO_CHILD", "The tenant has no umbrella."
