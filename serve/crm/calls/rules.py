"""What is allowed of calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from serve.crm.calls.errors import CallNotRecorded, RecordingTooLarge, TranscriptStands
from serve.kernel.errors import Invalid
from serve.ports.transcription import MOST_SOUND_BYTES

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


def check_transcription(
    call: Mapping[str, Any], recording: Mapping[str, Any] | None, *, is_replaced: bool
) -> None:
    """Raises CallNotRecorded, RecordingTooLarge or TranscriptStands."""
    if recording is None:
        raise CallNotRecorded
    if recording["size_bytes"] > MOST_SOUND_BYTES:
        said = f"has {recording['size_bytes']} bytes; {MOST_SOUND_BYTES} are possible"
        raise RecordingTooLarge(details=[("recording_file_id", said)])
    if call["transcript"] is not None and not is_replaced:
        raise TranscriptStands
