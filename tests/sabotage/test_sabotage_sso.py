"""Guards of single sign-on taken away one at a time: what stands for each must notice."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from serve.identity.auth import service as log_in
from serve.identity.sso import admission, attempts, rules, saml, service, sign_in, steps
from serve.kernel.caller import Caller
from tests.conftest import TestCluster
from tests.serve.firm import Firm
from tests.serve.identity.sso import test_saml
from tests.serve.identity.sso.houses import (
    AUTH,
    SSO,
    House,
    OidcProvider,
    browser,
    by_oidc,
    here,
    oidc_house,
    oidc_provider,
    open_firm,
    post,
    said,
    saml_house,
    to_provider,
)
from tests.serve.identity.sso.names import Names, names_served
from tests.serve.identity.sso.saml_provider import Asked, SamlProvider

Patch = pytest.MonkeyPatch
IDP = SamlProvider()


class World:
    """What a check needs."""

    def __init__(self, firm: Firm, names: Names, provider: OidcProvider) -> None:
        self.firm, self.names, self.provider = firm, names, provider

    def house(self, tenant: Any = None, **mapping: Any) -> House:
        return oidc_house(self.firm, self.names, self.provider, tenant, **mapping)


@pytest.fixture(scope="module")
def world(pg: TestCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    home = tmp_path_factory.mktemp("home")
    with names_served() as names, oidc_provider() as provider, open_firm(pg, home, names) as firm:
        yield World(firm, names, provider)


def refused(world: World, house: House) -> None:
    assert by_oidc(browser(world.firm), house).status_code in (401, 403)


def domains_bind(world: World) -> None:
    house = world.house()
    world.provider.says(uuid4().hex, f"{uuid4().hex}@elsewhere.example")
    response = by_oidc(browser(world.firm), house)
    assert response.status_code == 403
    assert "domain" in response.json()["error"]["message"]


def said_that_they_belong_elsewhere(world: World) -> None:
    theirs = world.house(world.firm.b)
    victim = theirs.member("manager", tenant=world.firm.a)
    world.provider.says(uuid4().hex, victim.email)
    response = by_oidc(browser(world.firm), theirs)
    assert response.status_code == 403
    assert "ask to be invited" in response.json()["error"]["message"]


def mail_must_be_vouched_for(world: World) -> None:
    house = world.house()
    world.provider.says(uuid4().hex, house.mail(), verified=False)
    refused(world, house)


def nobody_is_above_who_set_it_up(world: World) -> None:
    house = world.house()
    owner = house.member("owner")
    said(world.firm.client("admin").patch(f"{SSO}/connections/{house.id}", json={"name": uuid4().hex}))
    world.provider.says(uuid4().hex, owner.email)
    refused(world, house)


def nobody_is_brought_below_them(world: World) -> None:
    house = world.house(keeps_roles_in_step=True)
    member = house.member("manager")
    world.firm.sql("update sso_connections set changed_by_role = 'technician' where id = %s", house.id)
    world.provider.says(uuid4().hex, member.email, claims={"groups": ["crew"]})
    refused(world, house)


def an_answer_comes_to_its_own_address(world: World) -> None:
    house, theirs = world.house(), world.house()
    world.provider.says(uuid4().hex, house.mail())
    client = browser(world.firm)
    back = here(httpx.get(to_provider(client, house)).headers["location"])
    assert client.get(back.replace(house.id, theirs.id)).status_code == 401
    assert client.get(back).status_code == 303


def mail_is_vouched_for_by_itself(world: World) -> None:
    house = world.house(email="preferred_username")
    world.provider.says(uuid4().hex, "me@x.example", claims={"preferred_username": house.mail()})
    refused(world, house)


def people_begin_while_it_is_changed(world: World) -> None:
    house, tenant = world.house(), world.firm.a
    caller = Caller(uuid4(), "", tenant, "owner", frozenset(), (tenant,), "token", 0)

    async def changing() -> int:
        async with world.firm.running.app.state.database.transaction(caller) as db:
            await service.get(db, UUID(house.id), lock=True)
            return (await asyncio.to_thread(browser(world.firm).get, house.start)).status_code

    assert world.firm.running.wait_for(changing()) == 303


def addresses_are_not_inherited(world: World) -> None:
    house = world.house()
    email = house.mail()
    world.provider.says(uuid4().hex, email)
    assert by_oidc(browser(world.firm), house).status_code == 303
    world.provider.says(uuid4().hex, email)
    refused(world, house)


def an_attempt_is_of_one_browser(world: World) -> None:
    house = world.house()
    world.provider.says(uuid4().hex, house.mail())
    back = here(httpx.get(to_provider(browser(world.firm), house)).headers["location"])
    victim = browser(world.firm)
    to_provider(victim, house)
    assert victim.get(back).status_code == 401


def a_session_stays_where_it_is(world: World) -> None:
    house = world.house()
    member = house.member()
    world.firm.sql(
        "insert into memberships (user_id, tenant_id, role) values (%s, %s, 'viewer')",
        member.id,
        world.firm.b,
    )
    world.provider.says(uuid4().hex, member.email)
    client = browser(world.firm)
    assert by_oidc(client, house).status_code == 303
    moved = client.post("/api/v1/auth/refresh", json={"tenant": "b"}, headers={"X-Requested-With": "page"})
    assert moved.status_code == 403


def links_end_with_their_provider(world: World) -> None:
    house = world.house()
    world.provider.says(uuid4().hex, house.mail())
    by_oidc(browser(world.firm), house)
    assert house.identities()
    house.change(configuration={"issuer": "https://login.evil.example"})
    assert house.identities() == []


def it_leads_to_no_other_site(world: World) -> None:
    started = browser(world.firm).get(world.house().start, params={"return_to": "//evil.example"})
    assert started.status_code == 422


def saml_refuses(lie: str, **mapping: Any) -> Callable[[World], None]:
    def check(world: World) -> None:
        house = saml_house(world.firm, world.names, IDP, **mapping)
        client = browser(world.firm)
        asked = Asked.of(to_provider(client, house))
        answer = IDP.answer(asked, "ada", attributes={"email": [house.mail()]}, **test_saml.LIES[lie])
        assert post(client, house, answer).status_code == 401, lie

    return check


def who_begins_is_who_answers(world: World) -> None:
    house = saml_house(world.firm, world.names, IDP)
    beginner = browser(world.firm)
    asked = Asked.of(to_provider(beginner, house))
    answer = IDP.answer(asked, "lured", attributes={"email": [house.mail()]})
    assert post(browser(world.firm), house, answer).status_code == 303
    known = {"state": asked.id.removeprefix("_")}
    assert beginner.get(f"{AUTH}/finish", params=known).status_code == 401


def an_answer_is_shown_once(world: World) -> None:
    house = saml_house(world.firm, world.names, IDP, unasked=True)
    asked = Asked.of(to_provider(browser(world.firm), house))
    answer = IDP.answer(Asked("", asked.issuer, asked.acs_url), "ada", attributes={"email": [house.mail()]})
    assert post(browser(world.firm), house, answer).status_code == 303
    assert post(browser(world.firm), house, answer).status_code == 401


def the_address_has_a_code_alone(world: World) -> None:
    person = world.firm.running.client(accept="text/html")
    world.provider.says(uuid4().hex, "nobody@elsewhere.example")
    led = by_oidc(person, world.house())
    assert re.fullmatch(r"/account#refused=[A-Z_]+/[A-Za-z0-9._-]+", led.headers["location"])


# Ways to do harm


def instead(owner: Any, name: str, careless: Any) -> Callable[[Patch], None]:
    return lambda patch: patch.setattr(owner, name, careless)


async def nothing(*asked: Any, **words: Any) -> None:
    return None


def without(module: Any, name: str, old: str, new: str) -> Callable[[Patch], None]:
    """A function whose text says something else."""
    import inspect
    import textwrap

    def harm(patch: Patch) -> None:
        text = textwrap.dedent(inspect.getsource(getattr(module, name)))
        assert old in text, old
        space = dict(vars(sys.modules[module.__module__]) if isinstance(module, type) else vars(module))
        exec(compile(text.replace(old, new), "sabotage", "exec"), space)
        patch.setattr(module, name, space[name])

    return harm


def any_browser(patch: Patch) -> None:
    true_hash = attempts.hashed
    patch.setattr(
        attempts.Attempts,
        "spend",
        lambda self, db, state, browser: _spend(db, true_hash(state)),
    )


async def _spend(db: Any, hashed: bytes) -> attempts.Attempt:
    row = await db.fetch_one(
        "delete from sso_attempts where hash = $1 returning connection_id, return_to, user_id", hashed
    )
    return attempts.Attempt(UUID(row["connection_id"]), row["return_to"], None)


SABOTAGES: dict[str, tuple[Callable[[Patch], None], Callable[[World], None]]] = {
    "any domain will do": (
        without(rules, "check_vouched", "domain_of(claims.email) not in domains", "False"),
        domains_bind,
    ),
    "members of others are taken": (
        without(admission, "_found", 'row["role"] is None', "False"),
        said_that_they_belong_elsewhere,
    ),
    "any mail will do": (
        without(rules, "check_vouched", "not claims.is_email_verified", "False"),
        mail_must_be_vouched_for,
    ),
    "no ceiling": (
        instead(rules, "check_ceiling", lambda *asked, **words: None),
        nobody_is_above_who_set_it_up,
    ),
    "those above are brought down": (
        without(
            admission, "admit", "await _check_ceiling(db, connection, role)\n    if mapping", "if mapping"
        ),
        nobody_is_brought_below_them,
    ),
    "answers come to any address": (
        without(sign_in.SingleSignOn, "_spent", "connection_of(state) != connection_id", "False"),
        an_answer_comes_to_its_own_address,
    ),
    "a word for one claim is one for another": (
        without(rules, "claimed", 'mapping["email"] == "email" and ', ""),
        mail_is_vouched_for_by_itself,
    ),
    "whoever changes it stops its people": (
        without(service, "get", "for no key update", "for update"),
        people_begin_while_it_is_changed,
    ),
    "addresses are inherited": (
        without(admission, "_found", "known is not None", "False"),
        addresses_are_not_inherited,
    ),
    "any browser may come back": (any_browser, an_attempt_is_of_one_browser),
    "refusals are told in the address": (
        instead(steps, "_code", lambda error: error.detail),
        the_address_has_a_code_alone,
    ),
    "sessions move on": (instead(log_in, "check_way", nothing), a_session_stays_where_it_is),
    "links outlive their provider": (
        instead(service, "_is_same_provider", lambda one, other: True),
        links_end_with_their_provider,
    ),
    "anywhere to return to": (instead(rules, "return_path", lambda asked: asked), it_leads_to_no_other_site),
    "whoever began takes what another one was answered": (
        without(attempts.Attempts, "answered", "handle = _drawn(connection_id)", "handle = state"),
        who_begins_is_who_answers,
    ),
    "answers are shown again": (instead(sign_in, "_shown_once", nothing), an_answer_is_shown_once),
    "for whomever it was made": (
        without(saml, "_checked", 'data.get("Recipient") != expected.acs_url', "False"),
        saml_refuses("another recipient"),
    ),
    "wherever it was sent": (
        without(saml, "_prepared", "destination != expected.acs_url and", "False and"),
        saml_refuses("another destination"),
    ),
    "confirmations never end": (
        without(saml, "_checked", "min(ends) + SKEW <= now", "False"),
        saml_refuses("confirmation is over"),
    ),
    "names that do not last": (
        without(saml, "_checked", "== TRANSIENT", '== "nothing"'),
        saml_refuses("a name that does not last"),
    ),
}


@pytest.mark.parametrize("name", SABOTAGES)
def test_it_is_noticed(world: World, monkeypatch: Patch, name: str):
    harm, check = SABOTAGES[name]
    check(world)
    harm(monkeypatch)
    with pytest.raises(AssertionError):
        check(world)
