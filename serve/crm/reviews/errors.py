"""How requests for a review can fail."""

from typing import ClassVar

from serve.kernel.errors import Conflict, NotFound, Problem


class ReviewTooSoon(Conflict):
    """Says from when on the person may be asked again."""

    code, message = "REVIEW_TOO_SOON", "This person was asked for a review not long ago."


class ReviewNotAllowed(Conflict):
    """Says why: what the person decided, or that nobody has said on which ground people are asked."""

    code, message = "REVIEW_NOT_ALLOWED", "This person may not be asked for a review."


class JobNotDone(Conflict):
    code, message = "JOB_NOT_DONE", "Customers are asked about work that is done."


class ReviewSent(Conflict):
    code, message = "REVIEW_REQUEST_SENT", "What was sent is as it was sent."


class ReviewOver(Conflict):
    code, message = "REVIEW_REQUEST_OVER", "This request is over."


class ReviewLinkUseless(Problem):
    """The holder of the link may know why it opens nothing."""

    status: ClassVar[int] = 410
    code, message = "REVIEW_LINK_OVER", "The time of this link is over, or the request was taken back."


class ReviewLinkNotFound(NotFound):
    code, message = "REVIEW_LINK_NOT_FOUND", "There is no such link."
