"""Who had a seat when: what memberships do not remember."""

from __future__ import annotations

from datetime import UTC, datetime

import psycopg
import pytest

STATES = "select role, state from seat_changes where tenant_id = %s and user_id = %s order by happened_at"
BEGAN, ENDED = datetime(2026, 1, 5, 8, tzinfo=UTC), datetime(2026, 3, 1, 8, tzinfo=UTC)


@pytest.fixture
def store(db):
    with psycopg.connect(db.url("super"), autocommit=True) as connection:
        yield connection


@pytest.fixture
def tenant(store):
    return store.execute(
        "insert into tenants (slug, name, kind, country, timezone, currency)"
        " values ('t', 'T', 'fleet', 'DE', 'Europe/Berlin', 'EUR') returning id"
    ).fetchone()[0]


@pytest.fixture
def person(store):
    return store.execute(
        "insert into users (email, full_name) values ('ada@example.org', 'Ada') returning id"
    ).fetchone()[0]


def let_in(store, tenant, person, **values):
    given = {"tenant_id": tenant, "user_id": person, "role": "agent"} | values
    store.execute(
        f"insert into memberships ({', '.join(given)}) values ({', '.join(['%s'] * len(given))})",
        list(given.values()),
    )


def test_every_change_of_a_seat_stays_known(store, tenant, person):
    let_in(store, tenant, person)
    for change in (
        "update memberships set role = 'manager'",
        "update memberships set role = 'manager', updated_at = now()",  # nothing else than it was
        "update memberships set state = 'suspended'",
        "update memberships set state = 'active'",
        "delete from users",  # and with the account the seat
    ):
        store.execute(change)
    assert store.execute(STATES, [tenant, person]).fetchall() == [
        ("agent", "active"),
        ("manager", "active"),
        ("manager", "suspended"),
        ("manager", "active"),
        ("manager", "gone"),
    ]


def test_what_somebody_is_at_the_end_of_a_transaction_counts(store, tenant, person):
    with store.transaction():
        let_in(store, tenant, person)
        store.execute("update memberships set role = 'viewer', state = 'suspended'")
    assert store.execute(STATES, [tenant, person]).fetchall() == [("viewer", "suspended")]


def test_a_loaded_seat_begins_when_it_says(store, tenant, person):
    let_in(store, tenant, person, state="suspended", created_at=BEGAN, updated_at=ENDED)
    found = store.execute("select happened_at, state from seat_changes order by happened_at").fetchall()
    assert found == [(BEGAN, "active"), (ENDED, "suspended")]


def test_whoever_changes_it_goes_on_as_the_tenant_that_they_were(store, tenant, person):
    with store.transaction():
        store.execute(
            "select set_config('app.tenant_id', 'mine', true), set_config('app.tenant_ids', 'ours', true)"
        )
        let_in(store, tenant, person)
        settings = "select current_setting('app.tenant_id'), current_setting('app.tenant_ids')"
        assert store.execute(settings).fetchone() == ("mine", "ours")


@pytest.mark.parametrize(
    ("program", "device"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Firefox/140.0", "computer"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) Mobile/15E148", "phone"),
        ("Mozilla/5.0 (Linux; Android 15; Pixel 9) Chrome/140.0 Mobile Safari/537.36", "phone"),
        ("Mozilla/5.0 (Linux; Android 15; SM-X910) Chrome/140.0 Safari/537.36", "tablet"),
        ("Mozilla/5.0 (iPad; CPU OS 18_1 like Mac OS X)", "tablet"),
        ("curl/8.5.0", "other"),
        ("", None),
        (None, None),
    ],
)
def test_of_a_program_only_the_kind_of_device_is_told(store, tenant, person, program, device):
    (found,) = store.execute(
        "insert into sign_ins (tenant_id, user_id, outcome, method, kind, user_agent)"
        " values (%s, %s, 'succeeded', 'password', 'web', %s) returning device",
        [tenant, person, program],
    ).fetchone()
    assert found == device
