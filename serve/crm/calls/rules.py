"""What is allowed of calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from serve.kernel.errors import Invalid

SPOKEN = ("answered", "voicemail")
"""Outcomes of calls that took some time."""


def check_call(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> None:
    """Nothing is said, and nothing recorded, in a call that nobody answered. Raises Invalid."""
    if after["outcome"] in SPOKEN:
        return
    details = [
        (name, f"goes with the outcomes {' and '.join(SPOKEN)} alone")
        for name in ("duration_s", "recording_file_id", "transcript")
        if after.get(name)
    ]
    if details:
        raise Invalid(details=details)
