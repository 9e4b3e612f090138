"""How looking at an import can fail."""

from serve.kernel.errors import Conflict, NotFound, Problem


class ImportNotFound(NotFound):
    code, message = "IMPORT_NOT_FOUND", "There is no such import."


class NothingRejected(NotFound):
    code, message = "NOTHING_REJECTED", "No row of this import was rejected."


class FileGone(Problem):
    status, code, message = (
        410,
        "IMPORT_FILE_GONE",
        "The file of this import is no longer kept. Send it again, and take the rejected rows within a week.",
    )


class ImportStillRuns(Conflict):
    code, message = "IMPORT_STILL_RUNS", "The import has not ended yet: wait, or cancel its task."


class ImportUndone(Conflict):
    code, message = "IMPORT_UNDONE", "The import is undone already, or just being so."


class NothingToUndo(Conflict):
    code, message = "NOTHING_TO_UNDO", "The import has made and changed nothing."
