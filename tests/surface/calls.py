"""Makes a call that should succeed out of any operation: rows of its own, a body, parameters.

Most of it follows from the operation: a resource's row is made by its own POST, and a body from the examples of its
model, so an example in the documentation that the service would not accept fails here. What does not follow is said
in ``BODIES``, ``PARAMETERS``, ``WORDS`` and ``MAKERS``; an operation for which something is missing fails the run.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID, uuid4

import httpx

from serve.kernel.openapi import example_of
from tests.serve.firm import PASSWORD, Firm
from tests.serve.working import work
from tests.surface.operations import BY_NAME, Operation

NUMBERS = itertools.count(1)


@dataclass(frozen=True)
class Call:
    """One request, ready to be sent."""

    operation: Operation
    ids: dict[str, str] = field(default_factory=dict)
    params: dict[str, Any] = field(default_factory=dict)
    json: Any = None
    form: dict[str, Any] = field(default_factory=dict)
    """``data`` and ``files`` of httpx."""

    @property
    def path(self) -> str:
        return self.operation.path.format(**self.ids)


class Surface:
    """The firm, and calls on its behalf. Nobody's session is shared between calls that could end it."""

    def __init__(self, firm: Firm) -> None:
        self.firm = firm
        self.http = firm.running.client()
        self.at_work_for: UUID | None = None  # whose body is being made
        self._tokens: dict[tuple[str, UUID | None], str] = {}

    def token(self, role: str = "owner", tenant: UUID | None = None, *, fresh: bool = False) -> str:
        if fresh:
            return self.firm.client(role, tenant).headers["authorization"]
        if (role, tenant) not in self._tokens:
            self._tokens[role, tenant] = self.token(role, tenant, fresh=True)
        return self._tokens[role, tenant]

    def send(
        self,
        call: Call,
        *,
        role: str | None = "owner",
        tenant: UUID | None = None,
        headers: dict[str, str] | None = None,
        content: bytes | None = None,
        params: dict[str, Any] | None = None,
    ) -> httpx.Response:
        """The answer to somebody of that role; nobody for None. ``content`` is sent instead of the body."""
        sent = dict(headers or {})
        if role is not None:
            fresh = call.operation.name in ENDS_THE_SESSION
            sent["authorization"] = self.token(role, tenant, fresh=fresh)
        body: dict[str, Any] = {"json": call.json} if call.json is not None else dict(call.form)
        if content is not None:
            body = {"content": content}
            sent.setdefault("content-type", "application/json")
        elif call.form:
            sent["content-type"] = "multipart/form-data; boundary=surface"  # the same bytes each time
        self.http.cookies.clear()
        return self.http.request(
            call.operation.method, call.path, params=call.params | (params or {}), headers=sent, **body
        )

    def ready(self, operation: Operation, tenant: UUID | None = None) -> Call:
        """A call that somebody of that tenant (``a`` unless said) may make with success, on rows made for it."""
        ids = self._ids(operation, tenant)
        params = {
            name: value(self, tenant) if callable(value) else value
            for name, value in PARAMETERS.get(operation.name, {}).items()
        }
        made_by = BY_NAME.get(f"POST {operation.path}")
        if operation.method == "GET" and not ids and made_by and made_by.name not in MAKE_NOTHING:
            self._make(made_by, tenant)  # a list with something in it
        if listed := LISTED.get(operation.name):
            listed(self, tenant)
        if operation.path.startswith(("/api/v1/events", "/api/v1/audit")):
            self._happen(tenant)
        if form := self._form(operation, tenant):
            return Call(operation, ids, params, form=form)
        return Call(operation, ids, params, json=self._body(operation, tenant))

    def unknown(self, call: Call) -> Call:
        """The same call for rows that are nowhere."""
        return replace(call, ids=call.ids | {name: str(uuid4()) for name in call.operation.ids})

    def _ids(self, operation: Operation, tenant: UUID | None) -> dict[str, str]:
        if operation.name in WORDS:
            return WORDS[operation.name]
        if not operation.parameters("path"):
            return {}
        if maker := next((made for path, made in MAKERS.items() if operation.path.startswith(path)), None):
            return maker(self, tenant)
        collection = operation.path.partition("/{")[0]
        made_by = BY_NAME.get(f"POST {collection}")
        if made_by is None or operation.ids != list(operation.parameters("path")) or len(operation.ids) > 1:
            raise LookupError(
                f"{operation}: say in tests/surface/calls.py where its ids come from (WORDS, MAKERS)"
            )
        row_id = self._make(made_by, tenant)["id"]
        if operation.path.endswith("/restore"):
            gone = self.http.delete(
                f"{collection}/{row_id}", headers={"authorization": self.token(tenant=tenant)}
            )
            assert gone.status_code == 200, gone.text
        return {operation.ids[0]: row_id}

    def _make(self, operation: Operation, tenant: UUID | None) -> dict[str, Any]:
        form = self._form(operation, tenant)
        body = None if form else self._body(operation, tenant)
        made = self.send(Call(operation, json=body, form=form), tenant=tenant)
        assert made.is_success, f"{operation}: {made.text}"
        data = made.json()["data"]
        assert isinstance(data, dict)
        return data

    def _happen(self, tenant: UUID | None) -> None:
        """Something to look back at: a change, and a refusal, which is noted beside the request."""
        create = BY_NAME["POST /api/v1/contacts"]
        self._make(create, tenant)
        refused = self.send(Call(create, json=self._body(create, tenant)), tenant=tenant, role="viewer")
        assert refused.status_code == 403
        self.firm.running.wait_for(self.firm.running.app.state.notes.written())

    def _form(self, operation: Operation, tenant: UUID | None) -> dict[str, Any]:
        if operation.name in FILES:
            field, name, content = FILES[operation.name]
            return {"data": {}, "files": {field: (name, content, "application/octet-stream")}}
        if not operation.path.endswith("/import"):
            return {}
        row = self._body(BY_NAME[f"POST {operation.path.removesuffix('/import')}"], tenant)
        cells = {name: str(value) for name, value in row.items() if isinstance(value, (str, int, float))}
        file = f"{','.join(cells)}\n{','.join(cells.values())}\n".encode()
        return {"data": {"dry_run": "true"}, "files": {"file": ("rows.csv", file, "text/csv")}}

    def _body(self, operation: Operation, tenant: UUID | None) -> Any:
        if not operation.takes_json:
            return None
        if operation.path.endswith("/bulk"):
            made_by = BY_NAME[f"POST {operation.path.removesuffix('/bulk')}"]
            if operation.method == "POST":
                return {"rows": [self._body(made_by, tenant)]}
            row_id = self._make(made_by, tenant)["id"]
            if operation.method == "DELETE":
                return {"ids": [row_id]}
            return {"rows": [{"id": row_id, **self._body(made_by, tenant)}]}
        model = operation.body_model
        if model is None and operation.name not in BODIES:
            raise LookupError(f"{operation}: say in tests/surface/calls.py what its body is (BODIES)")
        body = example_of(model) if model else {}
        collection = operation.path.partition("/{")[0]
        body |= BODIES.get(operation.name) or BODIES.get(collection) or {}
        self.at_work_for = tenant
        body = {name: value(self) if callable(value) else value for name, value in body.items()}
        if "external_id" in body:
            body["external_id"] = f"surface-{next(NUMBERS)}"
        return body


def _number(text: str) -> Callable[[Surface], str]:
    return lambda surface: text.format(next(NUMBERS))


def _refresh_token(surface: Surface) -> str:
    """Of a session of its own: it works once."""
    login = BY_NAME["POST /api/v1/auth/login"]
    answer = surface.send(Call(login, json=surface._body(login, None)), role=None)
    token: str = answer.json()["data"]["refresh_token"]
    return token


PICTURE = b"GIF89a\1\0\1\0\0\0\0,\0\0\0\0\1\0\1\0\0\2\2D\1\0;"  # of letters: Schemathesis sends nothing else
UPLOADS = "/api/v1/files"
FILES = {
    f"POST {UPLOADS}": ("file", "note.txt", b"A note of ours."),
    f"POST {UPLOADS}/upload": ("file", "note.txt", b"A note of ours."),
    f"POST {UPLOADS}/upload-multiple": ("files", "note.txt", b"A note of ours."),
    f"POST {UPLOADS}/upload-avatar": ("file", "me.gif", PICTURE),
    f"POST {UPLOADS}/upload-logo": ("file", "logo.gif", PICTURE),
}
"""What is sent where files are taken: the form's field, a name, the content."""


def _row_of(collection: str) -> Callable[[Surface], str]:
    """The id of a new row, of the tenant whose body needs it."""
    return lambda surface: surface._make(BY_NAME[f"POST {collection}"], surface.at_work_for)["id"]


ENDS_THE_SESSION = {"POST /api/v1/auth/logout"}
"""Called with a token of its own each time."""

BODIES: dict[str, dict[str, Any]] = {
    "POST /api/v1/auth/login": {"email": "owner@a.example", "password": PASSWORD},
    "POST /auth/api/auth/login": {"email": "owner@a.example", "password": PASSWORD},
    "POST /api/v1/auth/refresh": {"refresh_token": _refresh_token},
    "PUT /api/v1/auth/me": {"email": "owner@a.example", "current_password": PASSWORD},
    "POST /api/v1/mcp": {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}},
    "POST /api/v1/metrics/query": {"metrics": ["revenue_cents"], "order_by": ["-revenue_cents"]},
    "POST /api/v1/notifications": {"user_ids": [], "roles": []},
    "/api/v1/experiments": {"flag_id": _row_of("/api/v1/feature-flags")},
    "/api/v1/feature-flags": {"key": _number("flag-{}")},
    "/api/v1/flag-segments": {"key": _number("segment-{}")},
    "POST /api/v1/feature-flags/{id}/preview": {"changes": {"percent": 50}},
    "POST /api/v1/feature-flags/evaluate": {"keys": None},
    "PUT /api/v1/feature-flags/{id}/feedback": {"rating": 4},
    "PUT /api/v1/api/versioning/management": {"sunsets": []},
    "PUT /api/v1/api/rate-limiting/advanced": {"limits": {}},
    "/api/v1/vehicles": {"registration": _number("HB-TL {}")},
    "PUT /api/v1/settings/{category}": {"corner_radius_px": lambda surface: next(NUMBERS) % 32},
}
"""Values instead of the examples of the model, by operation or by collection; functions are asked each time."""

MAKE_NOTHING = {"POST /api/v1/mcp"}
"""Operations that make no row, though GET stands at their address too."""


def _token(surface: Surface, tenant: UUID | None) -> str:
    """Of a link to a file."""
    link = BY_NAME["POST /api/v1/files/{id}/link"]
    made = surface.send(surface.ready(link, tenant), tenant=tenant)
    return str(made.json()["data"]["url"]).partition("token=")[2]


PARAMETERS: dict[str, dict[str, Any]] = {
    "GET /api/v1/files/shared": {"token": _token},
    "GET /api/v1/realtime/subscribe": {"follow": "false"},
}
"""Query parameters without which an operation does not succeed or does not end; functions are asked each time."""

WORDS: dict[str, dict[str, str]] = {
    "GET /api/v1/actions/{operation_id}": {"operation_id": "contacts.create"},
    "GET /api/v1/settings/{category}": {"category": "branding"},
    "PUT /api/v1/settings/{category}": {"category": "branding"},
}
"""Parameters of the path that are words, by operation."""


def _notification(surface: Surface, tenant: UUID | None) -> dict[str, str]:
    sent = surface._make(BY_NAME["POST /api/v1/notifications"], tenant)
    return {"id": sent["notifications"][0]["id"]}


def _import(surface: Surface, tenant: UUID | None) -> dict[str, str]:
    return {"id": surface._make(BY_NAME["POST /api/v1/contacts/import"], tenant)["id"]}


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
    made = surface._make(BY_NAME["POST /api/v1/mails"], tenant)
    surface.firm.sql("update mails set state = 'uncertain' where id = %s", made["id"])
    return {"id": made["id"]}


def _beta_user(surface: Surface, tenant: UUID | None) -> dict[str, str]:
    user_id = str(surface.firm.people[tenant or surface.firm.a, "agent"])
    add = Call(BY_NAME["PUT /api/v1/experimental/beta-users/{user_id}"], {"user_id": user_id})
    assert surface.send(add, tenant=tenant).status_code == 200
    return add.ids


def _running(surface: Surface, tenant: UUID | None) -> dict[str, str]:
    """An experiment that may be stopped."""
    row_id = surface._make(BY_NAME["POST /api/v1/experiments"], tenant)["id"]
    start = Call(BY_NAME["POST /api/v1/experiments/{id}/start"], {"id": row_id})
    assert surface.send(start, tenant=tenant).status_code == 200
    return start.ids


def _export(surface: Surface, tenant: UUID | None) -> dict[str, str]:
    headers = {"authorization": surface.token(tenant=tenant), "prefer": "respond-async"}
    begun = surface.http.get("/api/v1/accounts/export", headers=headers)
    running = surface.firm.running
    running.wait_for(work(running.app.state, kind="resources.export"))
    return {"id": begun.json()["data"]["task_id"]}


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
    "/api/v1/imports/": _import,
}
"""Ids of rows that no POST of the collection makes, by the beginning of the path."""

LISTED: dict[str, Callable[[Surface, UUID | None], Any]] = {
    "GET /api/v1/tasks": _task("queued"),
    "GET /api/v1/tasks/dead-letters": _task("failed"),
}
"""Makes a row for lists that no POST beside them fills."""
