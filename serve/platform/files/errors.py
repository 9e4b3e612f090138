"""How taking in and handing out files can fail."""

from __future__ import annotations

from serve.kernel.errors import (
    BodyTooLarge,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    Problem,
    UnsupportedMediaType,
)


class FileRefused(Invalid):
    code, message = "FILE_REFUSED", "The file is not taken."

    def __init__(self, why: str) -> None:
        super().__init__(details=[("file", why)])


class FileTypeRefused(UnsupportedMediaType):
    code, message = (
        "FILE_TYPE_REFUSED",
        "The file is of no kind that is taken, or not of the one that its name says.",
    )

    def __init__(self, why: str) -> None:
        super().__init__(details=[("file", why)])


class FileTooLarge(BodyTooLarge):
    code, message = "FILE_TOO_LARGE", "The file is too large."

    def __init__(self, most_bytes: int) -> None:
        super().__init__(details=[("file", f"is larger than {most_bytes:,} bytes")])


class QuotaExceeded(BodyTooLarge):
    code, message = "FILE_QUOTA_EXCEEDED", "There is no room left for this in the storage of your company."


class NotAForm(UnsupportedMediaType):
    code, message = "FORM_NEEDED", "Send the body as multipart/form-data."


class NotYourFile(Forbidden):
    code, message = (
        "NOT_YOUR_FILE",
        "Somebody else sent this file, and your role may not change what it belongs to.",
    )


class RecordingStays(Conflict):
    code, message = "RECORDING_STAYS", "What belongs to a call stays with it. Change the call instead."


class LinkNotFound(NotFound):
    code, message = "LINK_NOT_FOUND", "There is no such link."


class LinkExpired(Problem):
    status, code, message = 410, "LINK_EXPIRED", "The time of this link is over. Ask for another one."


class FileLost(Problem):
    status, code, message = (
        410,
        "FILE_LOST",
        "The content of this file is no longer there; only its record is.",
    )


class RangeNotSatisfiable(Problem):
    status, code, message = 416, "RANGE_NOT_SATISFIABLE", "The file has no such bytes."

    def __init__(self, size_bytes: int) -> None:
        super().__init__(headers={"Content-Range": f"bytes */{size_bytes}", "Accept-Ranges": "bytes"})
