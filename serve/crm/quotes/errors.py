"""How calls about quotes can fail. Whoever has no link learns nothing about any of them."""

from typing import ClassVar

from serve.kernel.errors import Conflict, NotFound, Problem


class QuoteDecided(Conflict):
    code, message = (
        "QUOTE_DECIDED",
        "The customer has accepted this quote; it stays as it is. Make a new one.",
    )


class QuoteNotSendable(Conflict):
    code, message = "QUOTE_NOT_SENDABLE", "Something is missing before this can be sent."


class QuoteNotOpen(Conflict):
    code, message = "QUOTE_NOT_OPEN", "Only a quote that was sent and is still valid can be decided."


class QuoteNotAccepted(Conflict):
    code, message = "QUOTE_NOT_ACCEPTED", "Only a quote that was accepted becomes a job."


class QuoteVersionNotFound(NotFound):
    code, message = (
        "QUOTE_VERSION_NOT_FOUND",
        "No such version of this quote was sent, or its paper was erased.",
    )


class TotalDiffers(Conflict):
    code, message = (
        "TOTAL_DIFFERS",
        "What was chosen comes to another total than the one that was agreed to. Look at it once more.",
    )


class QuoteConverted(Conflict):
    code, message = "QUOTE_CONVERTED", "This quote has become a job already."


class QuoteEmpty(Conflict):
    code, message = (
        "QUOTE_EMPTY",
        "This quote came without lines: nobody knows what is to be done at which price.",
    )


class EstimateNotOpen(Conflict):
    code, message = "ESTIMATE_NOT_OPEN", "This estimate has become a quote; change that one."


class QuoteLinkUnknown(NotFound):
    code, message = "QUOTE_LINK_UNKNOWN", "This link opens nothing. Open it from the mail once more."


class QuoteLinkUseless(Problem):
    """The holder of the link may know why it decides nothing."""

    status: ClassVar[int] = 410
    code, message = "QUOTE_REPLACED", "A newer version of this quote was sent. Use the link of that mail."


class QuoteWithdrawn(QuoteLinkUseless):
    code, message = "QUOTE_WITHDRAWN", "This quote was withdrawn. Ask whoever sent it."


class QuoteExpired(QuoteLinkUseless):
    code, message = "QUOTE_EXPIRED", "The time of this quote is over. Ask for a new one."


class QuoteDecidedAlready(QuoteLinkUseless):
    code, message = "QUOTE_DECIDED_ALREADY", "This quote was decided already."
