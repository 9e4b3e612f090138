"""How requests about people's data can fail."""

from serve.kernel.errors import Conflict, Invalid, NotFound


class NoPerson(Invalid):
    code, message = "NO_PERSON", "There is no such person among the rows of your company."

    def __init__(self) -> None:
        super().__init__(details=[("subject_id", "is no person of your company; companies are none either")])


class RequestNotReady(Conflict):
    code, message = "PRIVACY_REQUEST_NOT_READY", "The request is not in a state in which this can be done."


class OnHold(Conflict):
    code, message = "LEGAL_HOLD", "The person's data must not be erased now: somebody has put a hold on it."


class OnlyOwner(Conflict):
    code, message = (
        "ONLY_OWNER",
        "The person is the only owner of a company. Make somebody else an owner first.",
    )


class ExportGone(NotFound):
    code, message = "PRIVACY_EXPORT_GONE", "There is no such export of yours: not ready, over, or not yours."
