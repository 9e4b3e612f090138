"""One guard is taken away at a time, and the check that stands for it must notice.

The checks are the ones that ``tests/surface`` asks of every route and every table. Each is first asked with the guard
in place: a check that fails anyway would notice nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import httpx
import orjson
import pytest
from fastapi import Request, Response

from serve.crm.contacts.schemas import ContactFields
from serve.kernel import caller, db, errors, params, quick, tokens
from serve.kernel.bodies import Body
from serve.kernel.caller import Guard, identify
from serve.kernel.idempotency import Claim, Shown
from serve.kernel.layer import Layer
from serve.kernel.resources import creation, endpoints, listing, store
from serve.kernel.resources.order import Conditions
from tests.surface import checks, tenancy
from tests.surface.calls import Surface
from tests.surface.operations import BY_NAME, Call

Patch = pytest.MonkeyPatch


@dataclass(frozen=True)
class Sabotage:
    """``harm`` takes the guard away; ``check`` is what should notice."""

    harm: Callable[[Surface, Patch], None]
    check: Callable[[Surface], None]


def of(check: Callable[..., None], name: str) -> Callable[[Surface], None]:
    """The check of one operation."""
    return lambda surface: check(surface, BY_NAME[name])


def sql(statements: str) -> Callable[[Surface, Patch], None]:
    """As the superuser, in the firm's own database."""
    return lambda surface, patch: surface.firm.sql(statements) and None


def instead(owner: object, name: str, careless: object) -> Callable[[Surface, Patch], None]:
    """Something that looks at nothing in the place of what guards."""
    return lambda surface, patch: patch.setattr(owner, name, careless)


def out_of_reach(surface: Surface) -> None:
    surface.ready(BY_NAME["GET /api/v1/contacts"], surface.firm.b)
    tenancy.is_out_of_reach(surface.firm.address, "contacts", theirs=surface.firm.b, mine=surface.firm.a)


def not_given_away(surface: Surface, table: str = "contacts") -> None:
    surface.ready(BY_NAME["GET /api/v1/contacts"])
    tenancy.is_refused_for_others(surface.firm.address, table, theirs=surface.firm.b, mine=surface.firm.a)


def reuse_ends_the_session(surface: Surface) -> None:
    """A refresh token that was spent comes back: neither it nor the newest of its session opens anything."""
    log_in = BY_NAME["POST /api/v1/auth/login"]
    first = surface.send(surface.ready(log_in), role=None).json()["data"]["refresh_token"]
    newest = refreshed(surface, refreshed(surface, first).json()["data"]["refresh_token"])
    assert newest.status_code == 200
    assert refreshed(surface, first).status_code == 401
    assert refreshed(surface, newest.json()["data"]["refresh_token"]).status_code == 401


def refreshed(surface: Surface, token: str) -> httpx.Response:
    refresh = BY_NAME["POST /api/v1/auth/refresh"]
    return surface.send(Call(refresh, json={"refresh_token": token}), role=None)


# Ways to do harm that take more than a line


def tenants_for_the_session(surface: Surface, patch: Patch) -> None:
    begin = db._begin
    patch.setattr(db, "_begin", lambda *asked: begin(*asked).replace("', true)", "', false)"))


def every_request_is_the_first(surface: Surface, patch: Patch) -> None:
    true_claim = Claim.of
    patch.setattr(Claim, "of", lambda *asked: replace(true_claim(*asked), row_id=uuid4()))


def everybody_is_admitted(surface: Surface, patch: Patch) -> None:
    async def admit(self: Guard, request: Request) -> caller.Caller:
        return await identify(request)

    patch.setattr(Guard, "admit", admit)


def signatures_are_not_looked_at(surface: Surface, patch: Patch) -> None:
    decode = tokens.jwt.decode

    def careless(token: str, key: object, *, options: dict[str, Any], **rest: Any) -> Any:
        return decode(token, key, options=options | {"verify_signature": False}, **rest)

    patch.setattr(tokens.jwt, "decode", careless)


def rows_show_more(surface: Surface, patch: Patch) -> None:
    real = store.Store.show

    async def show(self: store.Store, reads: Any, row_id: Any) -> Shown:
        row = await real(self, reads, row_id)
        return Shown(orjson.dumps(orjson.loads(row.data) | {"tenant_id": str(surface.firm.a)}), row.version)

    patch.setattr(store.Store, "show", show)


def money_with_a_point(surface: Surface, patch: Patch) -> None:
    """As it would be if PostgreSQL wrote a numeric column."""

    def shown(data: bytes, version: int) -> Shown:
        row = orjson.loads(data)
        row |= {name: float(value) for name, value in row.items() if name.endswith("_cents")}
        return Shown(orjson.dumps(row), version)

    patch.setattr(creation, "Shown", shown)


def failures_are_200(surface: Surface, patch: Patch) -> None:
    respond = errors.respond

    def friendly(scope: Any, problem: errors.Problem) -> Response:
        response = respond(scope, problem)
        response.status_code = 200
        return response

    patch.setattr(errors, "respond", friendly)


def bodies_without_end(surface: Surface, patch: Patch) -> None:
    make = Body.__init__

    def without_end(self: Body, receive: Any, scope: Any, *, most_bytes: int, **rest: Any) -> None:
        make(self, receive, scope, most_bytes=most_bytes * 1000, **rest)

    patch.setattr(Body, "__init__", without_end)


class Lax(ContactFields, extra="ignore"):
    pass


def any_parameter(surface: Surface, patch: Patch) -> None:
    class Everything(dict[str, bool]):
        def __contains__(self, name: object) -> bool:
            return True

        def __missing__(self, name: str) -> bool:
            return True

    patch.setattr(params, "_known", lambda route: Everything())


def strangers_are_told(surface: Surface, patch: Patch) -> None:
    """A row that is somebody else's is answered differently from one that is nowhere."""
    real = store.Store.show
    theirs = {row_id for (row_id,) in surface.firm.sql("select id::text from contacts")}

    async def show(self: store.Store, reads: Any, row_id: Any) -> Shown:
        try:
            return await real(self, reads, row_id)
        except errors.NotFound:
            known = surface.firm.sql("select 1 from contacts where id = %s", str(row_id))
            if known or str(row_id) in theirs:
                raise errors.Forbidden from None
            raise

    patch.setattr(store.Store, "show", show)


def totals_never_forget(surface: Surface, patch: Patch) -> None:
    count = listing.Listing._count
    known: dict[str, listing.Total] = {}

    async def once(self: listing.Listing, reads: Any, plan: listing.Plan, *asked: Any) -> listing.Total:
        if plan.total not in known:
            known[plan.total] = await count(self, reads, plan, *asked)
        return known[plan.total]

    patch.setattr(listing.Listing, "_count", once)


SABOTAGES = {
    # in the database
    "FORCE is dropped": Sabotage(
        sql("alter table contacts no force row level security"),
        lambda surface: tenancy.is_forced(surface.firm.address, "contacts"),
    ),
    "row security is switched off": Sabotage(
        sql("alter table contacts disable row level security"),
        of(checks.hides_other_tenants, "GET /api/v1/contacts/{id}"),
    ),
    "rows of all tenants may be read": Sabotage(
        sql(
            "drop policy tenant_reads on contacts; create policy tenant_reads on contacts for select using (true)"
        ),
        out_of_reach,
    ),
    "rows may be given to another tenant": Sabotage(
        sql(
            "drop policy tenant_updates on contacts; create policy tenant_updates on contacts for update using (true)"
        ),
        not_given_away,
    ),
    "an umbrella may write what it reads": Sabotage(
        sql(
            "create policy more on contacts for update using (tenant_id ="
            " any (string_to_array(nullif(current_setting('app.tenant_ids', true), ''), ',')::uuid[]))"
        ),
        of(checks.leaves_children_to_themselves, "DELETE /api/v1/contacts/{id}"),
    ),
    "the trigger of events is dropped": Sabotage(
        sql("drop trigger record_changed on contacts"),
        of(checks.writes_are_events, "PATCH /api/v1/contacts/{id}"),
    ),
    "an edit leaves two events": Sabotage(
        sql(
            "create trigger again after insert on contacts referencing new table as made"
            " for each statement execute function record_events('contact', '', '')"
        ),
        of(checks.writes_are_events, "POST /api/v1/contacts"),
    ),
    "rows may be made for another tenant": Sabotage(
        sql("create policy more on zones for insert with check (true)"),  # contacts: their events refuse too
        lambda surface: not_given_away(surface, "zones"),
    ),
    "a view runs as its owner": Sabotage(
        sql("create view leak as select * from contacts"),
        lambda surface: tenancy.views_run_as_who_asks(surface.firm.address),
    ),
    "the API owns a table": Sabotage(
        sql(
            "alter table contacts owner to throughline_api"
        ),  # a role's powers would be those of every database
        lambda surface: tenancy.runtime_roles_are_nobody_special(surface.firm.address),
    ),
    "reuse of a refresh token ends nothing": Sabotage(
        sql(
            "create function go_on() returns trigger language plpgsql as 'begin return old; end';"
            " create trigger go_on before update on sessions for each row"
            " when (new.ended_because = 'reuse') execute function go_on()"
        ),
        reuse_ends_the_session,
    ),
    # in the kernel
    "the tenant is set for the session": Sabotage(
        tenants_for_the_session,
        lambda surface: tenancy.connections_carry_no_tenant(surface.firm.address, surface.firm.a),
    ),
    "the row of a key is skipped": Sabotage(
        every_request_is_the_first, of(checks.repeats_are_one, "POST /api/v1/contacts")
    ),
    "every permission is granted": Sabotage(
        everybody_is_admitted,
        of(checks.refuses_roles_without_the_permission, "DELETE /api/v1/contacts/{id}"),
    ),
    "the short way grants every permission": Sabotage(
        instead(quick, "_admitted", lambda scope, permission: scope["state"].get("caller")),
        of(checks.refuses_roles_without_the_permission, "GET /api/v1/contacts/{id}"),
    ),
    "signatures are not verified": Sabotage(
        signatures_are_not_looked_at, of(checks.refuses_strangers, "GET /api/v1/contacts")
    ),
    "a cookie is enough for a change": Sabotage(
        instead(caller, "_SAFE_METHODS", {"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"}),
        of(checks.refuses_cookies_without_the_header, "POST /api/v1/contacts"),
    ),
    "If-Match is ignored": Sabotage(
        instead(endpoints, "check_version", lambda if_match, row: None),
        of(checks.updates_ask_for_the_version, "PATCH /api/v1/contacts/{id}"),
    ),
    "a filter is a constant": Sabotage(
        instead(
            listing.Listing,
            "_asked",
            lambda self, query, bind, tenants: Conditions(f"t.tenant_id = {tenants}", (), in_order=True),
        ),
        of(checks.filters_choose, "GET /api/v1/contacts"),
    ),
    "totals are never counted again": Sabotage(
        totals_never_forget, of(checks.filters_choose, "GET /api/v1/contacts")
    ),
    "a hidden column is shown": Sabotage(
        rows_show_more, of(checks.answers_as_documented, "GET /api/v1/contacts/{id}")
    ),
    "money has a decimal point": Sabotage(
        money_with_a_point, of(checks.answers_as_documented, "POST /api/v1/vehicles")
    ),
    "strangers' rows are forbidden, not absent": Sabotage(
        strangers_are_told, of(checks.hides_other_tenants, "GET /api/v1/contacts/{id}")
    ),
    "failures are a 200": Sabotage(
        failures_are_200, of(checks.does_not_know_unknown_ids, "DELETE /api/v1/contacts/{id}")
    ),
    "the request id is forgotten": Sabotage(
        instead(Layer, "_request_id", lambda self, headers: ""),
        of(checks.does_not_know_unknown_ids, "GET /api/v1/contacts/{id}"),
    ),
    "bodies have no limit": Sabotage(
        bodies_without_end, of(checks.refuses_large_bodies, "POST /api/v1/contacts")
    ),
    "extra properties are ignored": Sabotage(
        instead(ContactFields, "__pydantic_validator__", Lax.__pydantic_validator__),
        of(checks.refuses_extra_properties, "POST /api/v1/contacts"),
    ),
    "unknown parameters are ignored": Sabotage(
        any_parameter, of(checks.refuses_unknown_parameters, "DELETE /api/v1/contacts/{id}")
    ),
}


@pytest.mark.parametrize("name", SABOTAGES)
def test_it_is_noticed(surface: Surface, monkeypatch: Patch, name: str):
    sabotage = SABOTAGES[name]
    sabotage.check(surface)
    sabotage.harm(surface, monkeypatch)
    with pytest.raises(AssertionError):
        sabotage.check(surface)


def test_there_are_enough():
    assert len(SABOTAGES) >= 12
