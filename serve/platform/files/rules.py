"""What is allowed of files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from serve.kernel.errors import Conflict, Invalid
from serve.platform.files.errors import FileRefused, RecordingStays
from serve.platform.files.names import extension, plain_name

PICTURES = ("avatar", "logo")
"""Purposes with one file each, which only their own uploads make."""


class PictureStays(Conflict):
    code, message = "PICTURE_STAYS", "An avatar or logo belongs where it is. Upload another one in its place."


def check_file(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> None:
    """Raises Invalid, PictureStays or RecordingStays."""
    if (after.get("entity_type") is None) != (after.get("entity_id") is None):
        raise Invalid(details=[("entity_id", "goes with entity_type: say both or neither")])
    if before is None:
        if after["purpose"] in PICTURES:
            raise Invalid(details=[("purpose", f"is needed by uploads of their own: {', '.join(PICTURES)}")])
        return
    place = ("purpose", "entity_type", "entity_id")
    if {before["purpose"], after["purpose"]} & {*PICTURES} and any(
        str(before[each]) != str(after[each]) for each in place
    ):
        raise PictureStays
    if before["entity_type"] == "call" and str(before["entity_id"]) != str(after["entity_id"]):
        raise RecordingStays
    if after["name"] != before["name"]:
        try:
            name = plain_name(after["name"])
        except FileRefused as refused:
            raise Invalid(details=[("name", said) for _, said in refused.details]) from refused
        if extension(name) != extension(before["name"]):
            raise Invalid(details=[("name", f"must end in {extension(before['name'])}, as its content does")])
