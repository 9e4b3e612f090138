"""How calls about tickets can fail."""

from typing import ClassVar

from serve.kernel.errors import Conflict, NotFound, Problem


class StatusNotPossible(Conflict):
    code, message = "STATUS_NOT_POSSIBLE", "A ticket of that status cannot get this one."


class TicketClosed(Conflict):
    code, message = "TICKET_CLOSED", "The ticket is closed. Reopen it first; notes of your own may be added."


class TicketMerged(Conflict):
    code, message = (
        "TICKET_MERGED",
        "The ticket was merged into another one. Go on there, or undo that first.",
    )


class NotMerged(Conflict):
    code, message = "NOT_MERGED", "The ticket was not merged into another one."


class HoldsMerged(Conflict):
    code, message = "HOLDS_MERGED", "Other tickets were merged into this one. Undo that first."


class MergeStands(Conflict):
    code, message = "MERGE_STANDS", "The merge cannot be undone as things stand."


class NotDoneYet(Conflict):
    code, message = "NOT_DONE_YET", "The ticket is neither resolved nor closed: there is nothing to rate."


class RatingLinkUseless(Problem):
    """The holder of the link may know why it opens nothing."""

    status: ClassVar[int] = 410
    code, message = "RATING_LINK_OVER", "The time of this link is over, or a newer mail has another one."


class RatingLinkNotFound(NotFound):
    code, message = "RATING_LINK_NOT_FOUND", "There is no such link."
