"""Why a lead has no score."""

from serve.kernel.errors import Conflict, NotFound, Unavailable


class NoModelYet(Unavailable):
    code, message = (
        "NO_MODEL",
        "No model of your leads answers yet. It is trained by the pipeline once enough leads were won and lost.",
    )


class LeadClosed(Conflict):
    code, message = (
        "LEAD_CLOSED",
        "What became of a lead that was won or lost is known; only open ones are scored.",
    )


class NotAnalysed(NotFound):
    code, message = "LEAD_NOT_ANALYSED", "This lead was not analysed yet: `POST …/analyze` does it."
