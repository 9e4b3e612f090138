"""Calls: what does not follow from the document."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from tests.surface.calls import Surface

CALLS = "/api/v1/call-logs"
WAVE = b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x40\x1f\0\0\x80\x3e\0\0\2\0\x10\0data\0\0\0\0"
# Nowhere: what is asked for goes on as a task, which is not what is looked at.
SERVICE = {"base_url": "http://127.0.0.1:9"}


def _recorded(surface: Surface, tenant: UUID | None) -> dict[str, str]:
    owner = surface.firm.client("owner", tenant)
    assert owner.put("/api/v1/settings/transcription", json=SERVICE).status_code == 200
    file = owner.post("/api/v1/files", files={"file": ("call.wav", WAVE)}).json()["data"]["id"]
    call = {"direction": "inbound", "started_at": "2026-01-15T09:30:00Z", "recording_file_id": file}
    made = owner.post(CALLS, json=call)
    assert made.status_code == 201, made.text
    return {"id": made.json()["data"]["id"]}


MAKERS: dict[str, Callable[[Surface, UUID | None], dict[str, str]]] = {
    f"{CALLS}/{{id}}/transcribe": _recorded
}
