"""A person lands, is erased, and lands again: nothing of what the person was known by is left in any file."""

from __future__ import annotations

import os
import shutil
from contextlib import nullcontext
from pathlib import Path

import duckdb
import psycopg
import pytest
from psycopg.types.json import Jsonb

from pipelines.ingest.erasing import _blank_staging, erase, erase_requested
from pipelines.ingest.operational import extract
from serve.identity.privacy.registry import KNOWN
from warehouse import duck
from warehouse.contracts import load_contracts
from warehouse.landing import Landing, create_views, erasing
from warehouse.landing.erasing import find_in_landing
from warehouse.mentions import DUCKDB, mentions
from warehouse.settings import Home

CONTRACTS = {
    name: contract
    for name, contract in load_contracts().items()
    if name in ("tenants", "contacts", "persons", "sign_ins", "invitations", "seat_changes")
}
ADA = {"full_name": "Ada Byron", "email": "ada@example.org", "phone": "+44 20 7946 0001"}
SAID = mentions({"name": [ADA["full_name"]], "email": [ADA["email"]], "phone": [ADA["phone"]]}, DUCKDB)


class Line:
    """A tenant with contacts, and the zone they land in."""

    def __init__(self, address, home: Home) -> None:
        self.address, self.home = address, home
        self.connection = psycopg.connect(address.url("super"), autocommit=True)
        (self.tenant,) = self.connection.execute(
            "insert into tenants (slug, name, kind, country, timezone, currency)"
            " values ('t', 'T', 'fleet', 'DE', 'Europe/Berlin', 'EUR') returning id"
        ).fetchone()

    def contact(self, **values: object) -> str:
        values = ADA | values
        (row_id,) = self.connection.execute(
            "insert into contacts (tenant_id, full_name, email, phone, attributes)"
            " values (%s, %s, %s, %s, %s) returning id",
            [
                self.tenant,
                values["full_name"],
                values["email"],
                values["phone"],
                Jsonb(values.get("attributes", {})),
            ],
        ).fetchone()
        return str(row_id)

    def ingest(self, **options: object) -> None:
        with Landing(self.home).writer("run") as writer:
            extract(self.address, writer, CONTRACTS, **options)

    def blank(self, row_id: str) -> int:
        """As the service leaves the row; from which transaction on."""
        with self.connection.transaction():
            (xid,) = self.connection.execute(
                "update contacts set full_name = 'Erased person', email = null, phone = null, attributes = '{}'"
                " where id = %s returning pg_current_xact_id()::text::bigint",
                [row_id],
            ).fetchone()
        return int(xid)

    def found(self) -> list[tuple[str, int]]:
        return find_in_landing(self.home, str(self.tenant), SAID)

    def read(self, query: str) -> list[tuple[object, ...]]:
        with duckdb.connect() as engine:
            landing = Landing(self.home)
            create_views(engine, landing.folder, landing.live(), CONTRACTS)
            return engine.execute(query).fetchall()

    def names(self) -> list[object]:
        newest = "row_number() over (partition by id order by _load desc, _change_xid desc) = 1"
        found = self.read(f"select full_name from landing.persons qualify {newest} order by 1")
        return [name for (name,) in found]


@pytest.fixture
def line(db, tmp_path: Path):
    line = Line(db, Home(tmp_path / "home").create())
    yield line
    line.connection.close()


def test_a_person_lands_is_erased_and_lands_again(line):
    ada = line.contact(attributes={"note": "call Ada Byron"})
    line.contact(full_name="Grace Hopper", email="grace@example.org", phone="1")
    line.ingest()
    line.ingest(full=True)  # what an earlier full load left lies there too
    assert len(line.found()) == 4
    xid = line.blank(ada)
    line.connection.execute(
        "insert into pipeline_requests (tenant_id, kind, params) values (%s, 'erase', %s)",
        [line.tenant, Jsonb({"ids": {"contacts": [ada]}, "below_xid": xid})],
    )
    assert erase_requested(line.home, line.address) == 1
    assert erase_requested(line.home, line.address) == 0
    assert line.found() == []
    line.ingest()
    assert line.found() == []
    assert line.names() == ["Erased person", "Grace Hopper"]
    landing = Landing(line.home)
    assert landing.verify(landing.loads()) == []
    assert all(
        each.rows_read == each.rows_landed + each.rows_quarantined + each.rows_erased
        for each in landing.loads()
    )


def test_what_has_landed_since_stays(line):
    ada = line.contact()
    line.ingest()
    xid = line.blank(ada)
    line.ingest()
    assert erase(line.home, {"contacts": [ada]}, below_xid=xid) == {"contacts": 1, "persons": 1}
    assert erase(line.home, {"contacts": [ada]}, below_xid=xid) == {"contacts": 0, "persons": 0}
    assert (line.found(), line.names()) == ([], ["Erased person"])


@pytest.mark.parametrize("moment", ["settle", "write", "sweep"])
def test_killed_in_the_middle_and_done_again(line, monkeypatch, moment):
    ada = line.contact()
    line.ingest()
    line.ingest(full=True)
    xid = line.blank(ada)

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        if moment == "settle":
            patch.setattr(erasing, "settle", dies)
        elif moment == "write":
            patch.setattr("warehouse.landing.loads.Load.write", dies)
        else:
            patch.setattr("warehouse.landing.zone.Writer.sweep", lambda _: None)
        with pytest.raises(KeyboardInterrupt) if moment != "sweep" else nullcontext():
            erase(line.home, {"contacts": [ada]}, below_xid=xid)
    landing = Landing(line.home)
    assert landing.verify(landing.loads()) == []  # readers see one of the two states of each file
    assert line.found() != []
    erase(line.home, {"contacts": [ada]}, below_xid=xid)
    assert line.found() == []
    line.ingest()
    assert line.names() == ["Erased person"]


def test_quarantine_and_the_warehouse_forget_too(line):
    ada = line.contact()
    line.ingest()
    landing = Landing(line.home)
    with duckdb.connect() as engine, landing.writer("bad") as writer:
        engine.execute(
            f"create table rows as select '{ada}' as id, '{line.tenant}' as tenant_id, 'Ada Byron' as full_name,"
            " 'ada@example.org' as job_title"  # and the rest is missing
        )
        with writer.load("operational", CONTRACTS["contacts"]) as load:
            load.add(engine, "rows")
    assert load.committed.rows_quarantined == 1
    with duck.turn(line.home), duck.connect(line.home) as warehouse:
        warehouse.execute(
            "create table staging.stg_persons as select ? as person_id, 'Ada Byron' as full_name,"
            " 'ada@example.org' as email, null::varchar as phone, 1::bigint as _change_xid",
            [ada],
        )
    erase(line.home, {"contacts": [ada]}, below_xid=line.blank(ada))
    assert line.found() == []
    assert landing.pending_quarantine()[("operational", "contacts")][0].rows == 0
    with duck.connect(line.home) as warehouse:
        assert warehouse.execute("select full_name, email from staging.stg_persons").fetchall() == [
            (None, None)
        ]


def test_from_where_somebody_came_in_is_forgotten_and_that_they_came_stays(line):
    """With the SQL that the service erases by."""
    user = "00000000-0000-0000-0000-0000000000aa"
    (sign_in,) = line.connection.execute(
        "insert into sign_ins (tenant_id, user_id, outcome, method, kind, address, country, user_agent)"
        " values (%s, %s, 'succeeded', 'passkey', 'mobile', '203.0.113.7', 'NZ', 'Throughline (iPhone)') returning id",
        [line.tenant, user],
    ).fetchone()
    line.connection.execute(
        "insert into invitations (tenant_id, email, full_name, role, message, expires_at)"
        " values (%s, 'ada@example.org', 'Ada Byron', 'agent', 'Welcome, Ada Byron', now())",
        [line.tenant],
    )
    line.ingest()
    landed = "select country, device, user_id::varchar from landing.sign_ins"
    assert line.read(landed) == [("NZ", "phone", user)]
    assert line.found() == []  # whom an invitation was for never lands
    assert find_in_landing(line.home, str(line.tenant), ["203.0.113.7", "throughline"]) == []

    with duck.turn(line.home), duck.connect(line.home) as warehouse:
        warehouse.execute(
            "create table staging.stg_sign_ins as select ? as sign_in_id, 'NZ' as country, 'phone' as device,"
            " 1::bigint as _change_xid",
            [str(sign_in)],
        )
    sets = ", ".join(f"{column} = {value}" for column, value in KNOWN["sign_ins"].blank.items())
    with line.connection.transaction():
        (xid,) = line.connection.execute(
            f"update sign_ins set {sets} where id = %s returning pg_current_xact_id()::text::bigint",
            [sign_in],
        ).fetchone()
    assert erase(line.home, {"sign_ins": [str(sign_in)]}, below_xid=xid) == {"sign_ins": 1}
    assert line.read(landed) == []
    with duck.connect(line.home) as warehouse:
        assert warehouse.execute("select country, device from staging.stg_sign_ins").fetchall() == [
            (None, None)
        ]
    line.ingest()
    assert line.read(landed) == [(None, None, user)]


def test_another_tenants_rows_are_not_counted(line):
    line.contact()
    line.ingest()
    assert find_in_landing(line.home, "00000000-0000-0000-0000-000000000000", SAID) == []
    shutil.rmtree(line.home.landing)
    os.makedirs(line.home.landing)
    assert line.found() == []


@pytest.mark.parametrize(
    ("table", "columns"),
    [("jobs", ("latitude", "longitude")), ("accounts", ("city",)), ("leads", ("company",))],
)
def test_where_somebody_lives_and_works_leaves_staging(table, columns):
    connection = duckdb.connect()
    connection.execute("create schema staging")
    values = ", ".join(f"'x' as {column}" for column in columns)
    connection.execute(
        f"create table staging.stg_{table} as select id, {values}, 1::bigint as _change_xid"
        " from (values ('a'), ('b')) t (id)"
    )
    _blank_staging(connection, {table: ["a"]}, 2)
    left = connection.execute(
        f"select id, {', '.join(columns)} from staging.stg_{table} order by id"
    ).fetchall()
    assert left == [("a", *(None for _ in columns)), ("b", *("x" for _ in columns))]
