"""What may become of a pair, who may see it, and how it is told: plain functions, no database."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from serve.crm.people.errors import LinkDecided, LinkOpen
from serve.kernel.permissions import Permission

SEEN_WITH: Final[dict[str, Permission]] = {
    "contact": "contacts:read",
    "lead": "leads:read",
    "employee": "employees:read",
    "user": "users:read",
    "provider": "users:read",
}
"""What it takes to see a person of each kind. A provider is somebody who works for the tenant, as its users are."""

PATHS: Final = {"contact": "contacts", "lead": "leads", "employee": "employees", "user": "users"}
MERGED: Final = {"contact": "contacts:write", "lead": "leads:write"}
"""Kinds whose rows can be put together, and what that takes beside ``people:merge``."""

_LITTLE_BITS = 0.05


def visible_kinds(permissions: frozenset[str]) -> list[str]:
    return [kind for kind, permission in SEEN_WITH.items() if permission in permissions]


def check_decision(state: str, wanted: str) -> None:
    """Raises LinkDecided, or LinkOpen where a decision is to be taken back that there is not."""
    if wanted == "proposed" and state == "proposed":
        raise LinkOpen
    if wanted != "proposed" and state != "proposed":
        raise LinkDecided(details=[("state", f"is {state}")])


def href(kind: str, row_id: str) -> str | None:
    return f"/api/v1/{PATHS[kind]}/{row_id}" if kind in PATHS else None


def way_to_merge(link: Mapping[str, Any], permissions: frozenset[str]) -> dict[str, str] | None:
    """Of two confirmed rows of one kind the older one stays: ids are in the order of their making."""
    kind = link["left_kind"]
    if link["state"] != "confirmed" or kind != link["right_kind"] or kind not in MERGED:
        return None
    if not {"people:merge", MERGED[kind]} <= permissions:
        return None
    return {"href": f"/api/v1/{PATHS[kind]}/{link['left_id']}/merge", "from_id": link["right_id"]}


def findings(evidence: Mapping[str, float]) -> list[dict[str, Any]]:
    """Bits by field as they are told, the weightiest first; fields that say nothing are left out. ``others`` is what
    rows say that are like both or like one of the two.

    >>> findings({"name": 6.25, "city": -1.5, "phone": 0})
    [{'field': 'name', 'says': 'speaks for one person', 'weight_bits': 6.25}, \
{'field': 'city', 'says': 'speaks against it', 'weight_bits': -1.5}]
    """
    weighty = [(field, bits) for field, bits in evidence.items() if abs(bits) >= _LITTLE_BITS]
    return [
        {
            "field": field,
            "says": _says(field, bits),
            "weight_bits": round(bits, 2),
        }
        for field, bits in sorted(weighty, key=lambda each: (-abs(each[1]), each[0]))
    ]


def _says(field: str, bits: float) -> str:
    if field != "others":
        return "speaks for one person" if bits > 0 else "speaks against it"
    return (
        "other rows of the same person speak for it"
        if bits > 0
        else "other rows of one of them speak against it"
    )
