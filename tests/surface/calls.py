"""Makes a call that should succeed out of any operation: rows of its own, a body, parameters.

Most of it follows from the operation: a resource's row is made by its own POST, and a body from the examples of its
model, so an example in the documentation that the service would not accept fails here. What does not follow is said
in ``tests.surface.needs``; an operation for which something is missing fails the run.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import httpx

from serve.kernel.openapi import example_of
from tests.serve.firm import Firm
from tests.surface.needs import (
    BODIES,
    ENDS_THE_SESSION,
    FILES,
    FORMS,
    IN_A_SESSION,
    LISTED,
    MAKE_NOTHING,
    MAKERS,
    NOT_FOR_CHILDREN,
    OTHERWISE_MADE,
    PARAMETERS,
    PREPARED,
    SENDERS,
    WORDS,
)
from tests.surface.needs.common import NUMBERS
from tests.surface.operations import BY_NAME, Call, Operation
from tests.surface.rows import Store

TOKEN_S = 120.0
"""How long a token is used again: long runs outlive the minutes that one is good for."""


class Surface:
    """The firm, and calls on its behalf. Nobody's session is shared between calls that could end it."""

    def __init__(self, firm: Firm) -> None:
        self.firm = firm
        self.http = firm.running.client()
        self.store = Store(firm.address)
        self.at_work_for: UUID | None = None  # whose body is being made
        self._tokens: dict[tuple[str, UUID | None, bool], tuple[str, float]] = {}

    def close(self) -> None:
        self.store.close()
        self.firm.running.stop()

    def token(
        self,
        role: str = "owner",
        tenant: UUID | None = None,
        *,
        fresh: bool = False,
        in_session: bool = False,
    ) -> str:
        if fresh:
            return self.firm.client(role, tenant, in_session=in_session).headers["authorization"]
        key, now_s = (role, tenant, in_session), time.monotonic()
        token, made_s = self._tokens.get(key, ("", 0.0))
        if not token or now_s > made_s + TOKEN_S:
            token = self.firm.client(role, tenant, in_session=in_session).headers["authorization"]
            self._tokens[key] = (token, now_s)
        return token

    def usual(self, operation: Operation) -> UUID | None:
        """Whose people make the call unless said."""
        return self.firm.b if operation.name in NOT_FOR_CHILDREN else None

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
            tenant = tenant or self.usual(call.operation)
            fresh, in_session = call.operation.name in ENDS_THE_SESSION, call.operation.name in IN_A_SESSION
            own = call.sender if role == "owner" else None
            sent["authorization"] = own or self.token(role, tenant, fresh=fresh, in_session=in_session)
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
            if value is not None
        }
        made_by = BY_NAME.get(f"POST {operation.canonical.path}")
        if operation.method == "GET" and not ids and made_by and made_by.name not in MAKE_NOTHING:
            self.make(made_by, tenant)  # a list with something in it
        if prepare := LISTED.get(operation.name) or PREPARED.get(operation.name):
            prepare(self, tenant)
        if operation.path.startswith(("/api/v1/events", "/api/v1/audit")):
            self._happen(tenant)
        if form := self._form(operation, tenant):
            return Call(operation, ids, params, form=form)
        sender = SENDERS[operation.name](self, tenant) if operation.name in SENDERS else None
        return Call(operation, ids, params, json=self.body(operation, tenant), sender=sender)

    def unknown(self, call: Call) -> Call:
        """The same call for rows that are nowhere."""
        return replace(call, ids=call.ids | {name: str(uuid4()) for name in call.operation.ids})

    def _ids(self, operation: Operation, tenant: UUID | None) -> dict[str, str]:
        if operation.name in WORDS:
            return WORDS[operation.name]
        if not operation.parameters("path"):
            return {}
        path = operation.canonical.path
        if maker := next((made for begins, made in MAKERS.items() if path.startswith(begins)), None):
            return maker(self, tenant)
        collection = path.partition("/{")[0]
        made_by = BY_NAME.get(f"POST {collection}")
        if made_by is None or operation.ids != list(operation.parameters("path")) or len(operation.ids) > 1:
            raise LookupError(
                f"{operation}: say in tests/surface/needs where its ids come from (WORDS, MAKERS)"
            )
        row_id = self.make(made_by, tenant)["id"]
        if path.endswith("/restore"):
            gone = self.http.delete(
                f"{collection}/{row_id}", headers={"authorization": self.token(tenant=tenant)}
            )
            assert gone.status_code == 200, gone.text
        return {operation.ids[0]: row_id}

    def make(self, operation: Operation, tenant: UUID | None) -> dict[str, Any]:
        form = self._form(operation, tenant)
        body = None if form else self.body(operation, tenant)
        made = self.send(Call(operation, json=body, form=form), tenant=tenant)
        assert made.is_success, f"{operation}: {made.text}"
        data = made.json()["data"]
        assert isinstance(data, dict)
        return data

    def _happen(self, tenant: UUID | None) -> None:
        """Something to look back at: a change, and a refusal, which is noted beside the request."""
        create = BY_NAME["POST /api/v1/contacts"]
        self.make(create, tenant)
        refused = self.send(Call(create, json=self.body(create, tenant)), tenant=tenant, role="viewer")
        assert refused.status_code == 403
        self.firm.running.wait_for(self.firm.running.app.state.notes.written())

    def _form(self, operation: Operation, tenant: UUID | None) -> dict[str, Any]:
        if operation.name in FILES:
            field, name, content = FILES[operation.name]
            return {"data": {}, "files": {field: (name, content, "application/octet-stream")}}
        if operation.name in FORMS:
            fields = {name: (None, value, "text/plain") for name, value in FORMS[operation.name].items()}
            return {"data": {}, "files": fields}
        path = operation.canonical.path.removesuffix("/preview")
        if not path.endswith("/import"):
            return {}
        self.firm.sql(  # nobody works here, and a tenant may have so many waiting
            "update tasks set status = 'cancelled', finished_at = now()"
            " where kind = 'resources.import' and status = 'queued'"
        )
        row = self.body(BY_NAME[f"POST {path.removesuffix('/import')}"], tenant)
        cells = {name: str(value) for name, value in row.items() if isinstance(value, (str, int, float))}
        file = f"{','.join(cells)}\n{','.join(cells.values())}\n".encode()
        return {"data": {"dry_run": "true"}, "files": {"file": ("rows.csv", file, "text/csv")}}

    def body(self, operation: Operation, tenant: UUID | None) -> Any:
        if not operation.takes_json:
            return None
        canonical = operation.canonical
        if canonical.path.endswith("/bulk"):
            made_by = BY_NAME[f"POST {canonical.path.removesuffix('/bulk')}"]
            if canonical.method == "POST":
                return {"rows": [self.body(made_by, tenant)]}
            maker = OTHERWISE_MADE.get(made_by.name)
            row_id = (maker(self, tenant) if maker else self.make(made_by, tenant))["id"]
            if canonical.method == "DELETE":
                return {"ids": [row_id]}
            return {"rows": [{"id": row_id, **self.body(made_by, tenant)}]}
        model = operation.body_model
        if model is None and operation.name not in BODIES:
            raise LookupError(f"{operation}: say in tests/surface/needs what its body is (BODIES)")
        body = example_of(model) if model else {}
        asked = (operation.name, *(each.path.partition("/{")[0] for each in (operation, canonical)))
        body |= next((BODIES[name] for name in asked if BODIES.get(name)), {})
        self.at_work_for = tenant
        body = {name: value(self) if callable(value) else value for name, value in body.items()}
        if body.get("external_id"):
            body["external_id"] = f"surface-{next(NUMBERS)}"
        return body
