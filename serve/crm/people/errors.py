"""How putting rows together and taking them apart can fail."""

from serve.kernel.errors import Conflict, NotFound


class MergedAlready(Conflict):
    code, message = "MERGED_ALREADY", "That row is part of another one already: `details` says of which."


class MergeStands(Conflict):
    code, message = "MERGE_STANDS", "Another merge stands on this one: undo that first."


class ChangedSince(Conflict):
    code, message = (
        "CHANGED_SINCE_MERGE",
        "Some of it was changed since the merge: `details` says what. Send `leave_changed` to undo the rest.",
    )


class ErasedSince(Conflict):
    code, message = "ERASED_SINCE_MERGE", "The person was erased since; there is nothing to take apart."


class TooMuchToMerge(Conflict):
    code, message = "TOO_MUCH_TO_MERGE", "More rows refer to that one than can be moved at once (20,000)."


class NamedTwice(Conflict):
    """Told to nobody: rows that were looked up together are looked up one by one then."""

    code, message = "NAMED_TWICE", "Two of these are one row by now."


class IsMerged(Conflict):
    code, message = "IS_MERGED", "It is part of another row: undo the merge to bring it back."


class LinkDecided(Conflict):
    code, message = "LINK_DECIDED", "Somebody has decided about that pair: reopen it to decide anew."


class LinkOpen(Conflict):
    code, message = "LINK_OPEN", "Nobody has decided about that pair."


class NoSuchPerson(NotFound):
    code, message = "PERSON_ROW_NOT_FOUND", "There is no such person."
