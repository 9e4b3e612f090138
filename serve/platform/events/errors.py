"""How reading the feed can fail."""

from __future__ import annotations

from serve.kernel.errors import Problem


class CursorGone(Problem):
    """A cursor that this history doesn't have: after a restore to an earlier time, or of another tenant."""

    status, code, message = (
        410,
        "CURSOR_GONE",
        "The history holds no event with this cursor: it was set back to an earlier time, or the cursor is not yours."
        " Begin again without `after`; an event that you know already has the same id.",
    )
