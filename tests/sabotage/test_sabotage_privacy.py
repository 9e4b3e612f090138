"""Guards of privacy taken away one at a time: what stands for each must notice."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from serve.identity.privacy import erasure, people, returning, search, service, work
from tests.sabotage.test_sabotage import Patch, Sabotage, instead
from tests.surface.calls import Surface

PRIVACY = "/api/v1/privacy"
NUMBERS = count(1)


async def nothing(*_: Any, **__: Any) -> None:
    pass


def made(surface: Surface, tenant: Any = None) -> tuple[Any, dict[str, Any]]:
    """Somebody at work, and a person with everything that a person may have."""
    n, http = next(NUMBERS), surface.firm.client(tenant=tenant)
    ada = {"full_name": f"Ada Byron{n}", "email": f"ada{n}@example.org", "job_title": f"Countess{n}"}
    headers = {"idempotency-key": f"ada {n}"}
    row = http.post(
        "/api/v1/contacts", json=ada | {"attributes": {"n": f"Byron{n}"}}, headers=headers
    ).json()["data"]
    place = {"entity_type": "contact", "entity_id": row["id"]}
    row["paper"] = http.post("/api/v1/files", files={"file": ("a.txt", b"x")}, data=place).json()["data"][
        "id"
    ]
    http.post(
        "/api/v1/mails", json={"to_address": ada["email"], "subject": "Hello", "text": f"Dear Byron{n}"}
    )
    row["n"] = n
    return http, row


def forgotten(surface: Surface, http: Any, row: dict[str, Any]) -> dict[str, Any]:
    """After an erasure, what its request says."""
    surface.firm.sql("alter table pipeline_requests alter column status set default 'done'")
    asked = {"kind": "erasure", "subject_kind": "contact", "subject_id": row["id"]}
    request = http.post(f"{PRIVACY}/requests", json=asked).json()["data"]
    http.post(f"{PRIVACY}/requests/{request['id']}/verify", json={"method": "called"})
    http.post(f"{PRIVACY}/requests/{request['id']}/approve", json={})
    surface.firm.work(waits_too=True)
    said: dict[str, Any] = http.get(f"{PRIVACY}/requests/{request['id']}").json()["data"]
    return said


def nothing_is_left(surface: Surface) -> None:
    http, row = made(surface)
    said = forgotten(surface, http, row)
    assert said["status"] == "done", said["result"]
    for table in ("contacts", "events", "mails", "idempotency_keys", "files"):
        text = (
            "coalesce(convert_from(body, 'UTF8'), '') || record::text"
            if table == "idempotency_keys"
            else "t::text"
        )
        for word in (f"Byron{row['n']}", f"ada{row['n']}@", f"Countess{row['n']}"):
            found = surface.firm.sql(
                f"select count(*) from {table} t where tenant_id = %s and ({text}) like %s",
                *(surface.firm.a, f"%{word}%"),
            )
            assert found == [(0,)], (table, word)
    folder = surface.firm.running.app.state.settings.throughline_home / "files" / str(surface.firm.a)
    assert not (folder / row["paper"]).exists()


def others_stay(surface: Surface) -> None:
    """The person of the same address at the umbrella's child, and at a stranger."""
    http, row = made(surface)
    theirs = surface.firm.client(tenant=surface.firm.b)
    other = theirs.post("/api/v1/contacts", json={"full_name": "Ada", "email": row["email"]}).json()["data"]
    forgotten(surface, http, row)
    assert theirs.get(f"/api/v1/contacts/{other['id']}").json()["data"]["email"] == row["email"]


def what_is_left_is_said(surface: Surface) -> None:
    http, row = made(surface)
    surface.firm.sql("update zones set name = %s", "nobody")
    surface.firm.sql(
        "insert into zones (tenant_id, name, city, country) values (%s, %s, 'X', 'DE')",
        *(surface.firm.a, f"Where {row['full_name']} lives"),
    )
    assert forgotten(surface, http, row)["status"] == "failed"


def holds_hold(surface: Surface) -> None:
    http, row = made(surface)
    hold = {"subject_kind": "contact", "subject_id": row["id"], "reason": "lawsuit"}
    http.post(f"{PRIVACY}/holds", json=hold)
    forgotten(surface, http, row)
    assert http.get(f"/api/v1/contacts/{row['id']}").status_code == 200


def only_who_asked_gets_the_file(surface: Surface) -> None:
    http = surface.firm.client()
    task = http.post(f"{PRIVACY}/me/export").json()["data"]["task_id"]
    surface.firm.work()
    assert http.get(f"{PRIVACY}/exports/{task}").status_code == 200
    assert surface.firm.client("admin").get(f"{PRIVACY}/exports/{task}").status_code == 404


def nobody_ends_who_may_do_more(surface: Surface) -> None:
    """An administrator and the owner."""
    firm = surface.firm
    admin, owner = firm.client("admin"), firm.people[firm.a, "owner"]
    asked = {"kind": "erasure", "subject_kind": "user", "subject_id": str(owner)}
    request = admin.post(f"{PRIVACY}/requests", json=asked).json()["data"]
    firm.sql(
        "insert into memberships (user_id, tenant_id, role) values (%s, %s, 'owner')",
        *(firm.people[firm.b, "viewer"], firm.a),
    )  # so that the owner is not the only one
    admin.post(f"{PRIVACY}/requests/{request['id']}/verify", json={"method": "called"})
    assert admin.post(f"{PRIVACY}/requests/{request['id']}/approve", json={}).status_code == 403


def returns_are_noticed(surface: Surface) -> None:
    http, row = made(surface)
    forgotten(surface, http, row)
    http.post("/api/v1/contacts", json={"full_name": "A. B.", "email": row["email"].upper()})
    surface.firm.deliver()
    assert surface.firm.sql("select count(*) from events where name = 'person.returned'") == [(1,)]


def any_file(surface: Surface, patch: Patch) -> None:
    patch.setattr(
        service, "_EXPORT", service._EXPORT.replace("user_id, result", "$2::text as user_id, result")
    )
    fetch = service.Transaction.fetch_one

    async def careless(self: Any, sql: str, *values: Any) -> Any:
        more = (str(self.caller.user_id),) if sql == service._EXPORT else ()
        return await fetch(self, sql, *values, *more)

    patch.setattr(service.Transaction, "fetch_one", careless)


SABOTAGES = {
    "history is left as it was": Sabotage(instead(erasure, "_redact", nothing), nothing_is_left),
    "bytes stay": Sabotage(instead(work, "remove_outside", nothing), nothing_is_left),
    "answers stay": Sabotage(
        instead(erasure, "_ANSWERS", "select 1 where $1::text[] is null"), nothing_is_left
    ),
    "rows are not blanked": Sabotage(instead(erasure, "_blank", nothing), nothing_is_left),
    "nobody searches": Sabotage(instead(search, "_in_table", lambda *_: empty()), what_is_left_is_said),
    "holds are not asked": Sabotage(instead(erasure, "check_erasable", nothing), holds_hold),
    "nobody asks whom it ends": Sabotage(
        instead(service, "_check_may_end", nothing), nobody_ends_who_may_do_more
    ),
    "files of others": Sabotage(any_file, only_who_asked_gets_the_file),
    "hashes depend on the writing": Sabotage(
        instead(people, "keyed_hash", lambda secret, kind, value: value.encode()), returns_are_noticed
    ),
    "returns are not compared": Sabotage(instead(returning, "_compare", nothing), returns_are_noticed),
}
CHECKS = {each.check for each in SABOTAGES.values()} | {others_stay}


async def empty() -> list[Any]:
    return []


@pytest.mark.parametrize("check", sorted(CHECKS, key=lambda each: each.__name__))
def test_with_all_guards_in_place_nothing_is_noticed(surface: Surface, check: Any):
    check(surface)


@pytest.mark.parametrize("name", SABOTAGES)
def test_a_guard_that_is_gone_is_noticed(surface: Surface, monkeypatch: Patch, name: str):
    sabotage = SABOTAGES[name]
    sabotage.harm(surface, monkeypatch)
    with pytest.raises(AssertionError):
        sabotage.check(surface)
