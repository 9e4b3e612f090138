"""Guards of umbrellas and their children taken away one at a time: what stands for each must notice."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID, uuid4

import pytest

from serve.identity.tenants import service as tenants
from serve.kernel.tasks.acting import acting_for
from tests.sabotage.test_sabotage import Patch, Sabotage, instead, sql
from tests.surface.calls import Surface
from tests.surface.needs.tenants import child, umbrella_asked

PATH = "/api/v1/tenants"


def company(surface: Surface, parent_id: object = None) -> UUID:
    return UUID(child(parent_id=parent_id)(surface, None)["id"])


def asked(surface: Surface, umbrella: object, child: object) -> str:
    [(slug,)] = surface.firm.sql("select slug from tenants where id = %s", child)
    return umbrella_asked(surface, umbrella, slug)


def accepts(surface: Surface, child: UUID, request_id: str) -> str | None:
    """What the database says of it, as a request asks it; None when it is done."""

    async def ask() -> str | None:
        async with surface.firm.running.app.state.database.transaction(acting_for(child, None)) as db:
            done = await db.fetch_one("select answer_umbrella($1, true) as refusal", request_id)
        return done and done["refusal"]

    refusal: str | None = surface.firm.running.wait_for(ask())
    return refusal


def nobody_else_answers(surface: Surface) -> None:
    one, other, stranger = (company(surface) for _ in range(3))
    assert accepts(surface, stranger, asked(surface, one, other)) == "UMBRELLA_REQUEST_NOT_FOUND"


def an_answer_is_final(surface: Surface) -> None:
    one, other = company(surface), company(surface)
    request_id = asked(surface, one, other)
    surface.firm.sql(
        "update umbrella_requests set state = 'declined', child_id = %s where id = %s", other, request_id
    )
    assert accepts(surface, other, request_id) == "UMBRELLA_REQUEST_OVER"


def one_level(surface: Surface) -> None:
    one, other = company(surface), company(surface)
    company(surface, parent_id=other)
    assert accepts(surface, other, asked(surface, one, other)) == "HAS_CHILDREN"


def only_the_two_end_it(surface: Surface) -> None:
    one, stranger = company(surface), company(surface)
    child = company(surface, parent_id=one)

    async def leave() -> None:
        async with surface.firm.running.app.state.database.transaction(acting_for(stranger, None)) as db:
            await db.execute("select leave_umbrella($1)", child)

    surface.firm.running.wait_for(leave())
    assert surface.firm.sql("select parent_id from tenants where id = %s", child) == [(one,)]


def owners_alone_decide(surface: Surface) -> None:
    firm = surface.firm
    request_id = asked(surface, company(surface), firm.b)
    url = f"{PATH}/{firm.b}/umbrella-requests/{request_id}/accept"
    assert firm.client("admin", firm.b).post(url).status_code == 403


def a_child_waits_for_its_owner(surface: Surface) -> None:
    firm = surface.firm
    place = {"kind": "fleet", "country": "DE", "timezone": "Europe/Berlin", "currency": "EUR"}
    owner = {"email": f"{uuid4().hex}@example.org"}
    asked = {"name": f"Branch {uuid4().hex}", **place, "first_owner": owner, "has_seat": True}
    made = firm.client("owner", firm.umbrella).post(PATH, json=asked).json()["data"]
    firm.running.wait_for(firm.running.app.state.tenants_watch.look())
    token, _ = firm.running.app.state.tokens.issue(
        firm.people[firm.umbrella, "owner"],
        email="owner@umbrella.example",
        tenant_id=UUID(made["id"]),
        tenant_ids=[UUID(made["id"])],
        role="admin",
    )
    client = firm.running.client(Authorization=f"Bearer {token}")
    assert client.post("/api/v1/contacts", json={"full_name": "Ada"}).status_code == 403


def invitations_wait(surface: Surface) -> None:
    firm = surface.firm
    firm.client("admin", firm.umbrella).post(f"{PATH}/{firm.a}/resume")
    firm.running.wait_for(firm.running.app.state.tenants_watch.look())
    wish = {"email": f"{uuid4().hex}@example.org", "role": "viewer"}
    assert firm.client().post("/api/v1/employees/invite", json=wish).status_code == 201
    firm.client("admin", firm.umbrella).post(f"{PATH}/{firm.a}/suspend", json={"reason": "A try."})
    assert wish["email"] not in {mail.to_address for mail in firm.account_mails()}


def without(function: str, guard: str, instead_of_it: str) -> Callable[[Surface, Patch], None]:
    """The function with that part of it replaced."""
    part, other = guard.replace("'", "''"), instead_of_it.replace("'", "''")
    return sql(
        f"do $$ declare body text := pg_get_functiondef('{function}'::regproc); begin"
        f" if position('{part}' in body) = 0 then raise 'no such part'; end if;"
        f" execute replace(body, '{part}', '{other}'); end $$"
    )


SABOTAGES = {
    "everybody answers": Sabotage(
        without("umbrella_requests_of_mine", "r.child_slug = own.slug", "true"), nobody_else_answers
    ),
    "an answer is asked for again": Sabotage(
        without("answer_umbrella", "r.state = 'pending' and r.expires_at > now()", "true"), an_answer_is_final
    ),
    "umbrellas have umbrellas": Sabotage(
        without(
            "answer_umbrella",
            "when exists (select from tenants c",
            "when false and exists (select from tenants c",
        ),
        one_level,
    ),
    "strangers end it": Sabotage(
        without("leave_umbrella", "p_id <> own and above is distinct from own", "false"), only_the_two_end_it
    ),
    "children need no owner": Sabotage(
        sql("alter table tenants alter column state set expression as ('active')"),
        a_child_waits_for_its_owner,
    ),
    "mails go all the same": Sabotage(
        without("take_account_mail", "x.kind <> all (p_waiting)", "true"), invitations_wait
    ),
    "administrators decide": Sabotage(instead(tenants, "check_owner", lambda db: None), owners_alone_decide),
}


@pytest.mark.parametrize("name", SABOTAGES)
def test_it_is_noticed(surface: Surface, monkeypatch: Patch, name: str):
    sabotage = SABOTAGES[name]
    sabotage.check(surface)
    sabotage.harm(surface, monkeypatch)
    with pytest.raises(AssertionError):
        sabotage.check(surface)
