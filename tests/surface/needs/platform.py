"""What every area stands on, customers and vehicles: what does not follow from the document."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import UUID

from tests.serve.working import work
from tests.surface.needs.common import NUMBERS, PICTURE, number, row_of
from tests.surface.operations import BY_NAME, Call

if TYPE_CHECKING:
    from tests.surface.calls import Surface


UPLOADS = "/api/v1/files"


def _token(surface: Surface, tenant: UUID | None) -> str:
    """Of a link to a file."""
    link = BY_NAME["POST /api/v1/files/{id}/link"]
    made = surface.send(surface.ready(link, tenant), tenant=tenant)
    return str(made.json()["data"]["url"]).partition("token=")[2]


def _notification(surface: Surface, tenant: UUID | None) -> dict[str, str]:
    sent = surface.make(BY_NAME["POST /api/v1/notifications"], tenant)
    return {"id": sent["notifications"][0]["id"]}


def _import(surface: Surface, tenant: UUID | None) -> dict[str, str]:
    return {"id": surface.make(BY_NAME["POST /api/v1/contacts/import"], tenant)["id"]}


def _ended_import(surface: Surface, tenant: UUID | None) -> dict[str, str]:
    """One that has ended: a row was made, and one was not taken."""
    sent = surface.http.post(
        "/api/v1/contacts/import",
        files={"file": ("rows.csv", b"full_name,email\nAda,nobody\nBea,\n")},
        headers={"authorization": surface.token(tenant=tenant)},
    )
    running = surface.firm.running
    running.wait_for(work(running.app.state, kind="resources.import"))
    return {"id": sent.json()["data"]["id"]}


def _task(status: str) -> Callable[[Surface, UUID | None], dict[str, str]]:
    def make(surface: Surface, tenant: UUID | None) -> dict[str, str]:
        ((row_id,),) = surface.firm.sql(
            "with acting as materialized (select set_config('app.actor', 'platform', true))"
            " insert into tasks (tenant_id, kind, queue, title, most_attempts, status)"
            " select %s, 'tests.surface', 'default', 'Surface', 1, %s from acting returning id",
            *(tenant or surface.firm.a, status),
        )
        return {"id": str(row_id)}

    return make


def _mail_of_unknown_fate(surface: Surface, tenant: UUID | None) -> dict[str, str]:
    made = surface.make(BY_NAME["POST /api/v1/mails"], tenant)
    surface.firm.sql("update mails set state = 'uncertain' where id = %s", made["id"])
    return {"id": made["id"]}


def _beta_user(surface: Surface, tenant: UUID | None) -> dict[str, str]:
    user_id = str(surface.firm.people[tenant or surface.firm.a, "agent"])
    add = Call(BY_NAME["PUT /api/v1/experimental/beta-users/{user_id}"], {"user_id": user_id})
    assert surface.send(add, tenant=tenant).status_code == 200
    return add.ids


def _running(surface: Surface, tenant: UUID | None) -> dict[str, str]:
    """An experiment that may be stopped."""
    row_id = surface.make(BY_NAME["POST /api/v1/experiments"], tenant)["id"]
    start = Call(BY_NAME["POST /api/v1/experiments/{id}/start"], {"id": row_id})
    assert surface.send(start, tenant=tenant).status_code == 200
    return start.ids


def _export(surface: Surface, tenant: UUID | None) -> dict[str, str]:
    headers = {"authorization": surface.token(tenant=tenant), "prefer": "respond-async"}
    begun = surface.http.get("/api/v1/accounts/export", headers=headers)
    running = surface.firm.running
    running.wait_for(work(running.app.state, kind="resources.export"))
    return {"id": begun.json()["data"]["task_id"]}


FILES = {
    f"POST {UPLOADS}": ("file", "note.txt", b"A note of ours."),
    f"POST {UPLOADS}/upload": ("file", "note.txt", b"A note of ours."),
    f"POST {UPLOADS}/upload-multiple": ("files", "note.txt", b"A note of ours."),
    f"POST {UPLOADS}/upload-avatar": ("file", "me.gif", PICTURE),
    f"POST {UPLOADS}/upload-logo": ("file", "logo.gif", PICTURE),
}

BODIES: dict[str, dict[str, Any]] = {
    "POST /api/v1/mcp": {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}},
    "POST /api/v1/metrics/query": {"metrics": ["revenue_cents"], "order_by": ["-revenue_cents"]},
    "POST /api/v1/notifications": {"user_ids": [], "roles": []},
    "/api/v1/experiments": {"flag_id": row_of("/api/v1/feature-flags")},
    "/api/v1/feature-flags": {"key": number("flag-{}")},
    "/api/v1/flag-segments": {"key": number("segment-{}")},
    "POST /api/v1/feature-flags/{id}/preview": {"changes": {"percent": 50}},
    "POST /api/v1/feature-flags/evaluate": {"keys": None},
    "PUT /api/v1/feature-flags/{id}/feedback": {"rating": 4},
    "PUT /api/v1/api/versioning/management": {"sunsets": []},
    "PUT /api/v1/api/rate-limiting/advanced": {"limits": {}},
    "/api/v1/vehicles": {"registration": number("HB-TL {}")},
    "PUT /api/v1/settings/{category}": {"session_longest_h": lambda surface: 1000 + next(NUMBERS) % 7000},
}

MAKE_NOTHING = {
    "POST /api/v1/mcp",
}

PARAMETERS: dict[str, dict[str, Any]] = {
    "GET /api/v1/files/shared": {"token": _token},
    "GET /api/v1/realtime/subscribe": {"follow": "false"},
}

WORDS: dict[str, dict[str, str]] = {
    "GET /api/v1/actions/{operation_id}": {"operation_id": "contacts.create"},
    "GET /api/v1/settings/{category}": {"category": "security"},
    "PUT /api/v1/settings/{category}": {"category": "security"},
}

MAKERS: dict[str, Callable[[Surface, UUID | None], dict[str, str]]] = {
    "/api/v1/tasks/{id}/file": _export,
    "/api/v1/tasks/{id}/resume": _task("paused"),
    "/api/v1/tasks/{id}/retry": _task("failed"),
    "/api/v1/tasks/{id}/dismiss": _task("failed"),
    "/api/v1/tasks/": _task("queued"),
    "/api/v1/mails/{id}/mark-sent": _mail_of_unknown_fate,
    "/api/v1/mails/{id}/resend": _mail_of_unknown_fate,
    "/api/v1/experimental/beta-users/{": _beta_user,
    "/api/v1/experiments/{id}/stop": _running,
    "/api/v1/notifications/": _notification,
    "/api/v1/imports/{id}/rejects": _ended_import,
    "/api/v1/imports/{id}/undo": _ended_import,
    "/api/v1/imports/": _import,
}

LISTED: dict[str, Callable[[Surface, UUID | None], Any]] = {
    "GET /api/v1/tasks": _task("queued"),
    "GET /api/v1/tasks/dead-letters": _task("failed"),
}
