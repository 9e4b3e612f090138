"""Loading into a real, migrated store."""

import os
import signal
import subprocess
import sys
from datetime import date, timedelta

import argon2
import psycopg
import pytest
from argon2 import extract_parameters

from pipelines.demo import LoadRefused, extend, load
from pipelines.demo.draw import DAY_US
from pipelines.demo.loading import HASHER
from serve.identity.auth.passwords import COST, Passwords

CHEAP = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
TYPES = {
    "uuid": "String",
    "text": "String",
    "jsonb": "String",
    "integer": "Int32",
    "bigint": "Int64",
    "double precision": "Float64",
    "boolean": "Boolean",
    "date": "Date",
    "timestamp with time zone": "Datetime(time_unit='us', time_zone='UTC')",
}


def keep_nothing(logins):
    """A keeper of passwords that does not care."""


def count(url, table):
    with psycopg.connect(url) as connection:
        return connection.execute(f"select count(*) from {table}").fetchone()[0]


@pytest.fixture(scope="module")
def loaded(pg, tiny):
    """A store with the demo inside; its report, the logins it gave out and the progress it told."""
    address = pg.clone()
    logins, progress = [], []
    report = load(
        address.url("super"),
        tiny,
        passwords=logins.extend,
        hasher=CHEAP,
        on_progress=lambda *step: progress.append(step),
    )
    yield address.url("super"), report, logins, progress
    pg.drop(address)


class TestCatalogue:
    def test_every_frame_has_the_stores_columns_and_types(self, pg, tables):
        with psycopg.connect(pg.url()) as connection:
            found = connection.execute(
                "select table_name, column_name, data_type,"
                " is_nullable = 'NO' and column_default is null and is_generated = 'NEVER',"
                " is_generated = 'ALWAYS' from information_schema.columns where table_schema = 'public'"
            ).fetchall()
        catalogue = {}
        for table, column, kind, is_needed, is_computed in found:
            catalogue.setdefault(table, {})[column] = (TYPES.get(kind), is_needed, is_computed)
        for table, frame in tables.items():
            columns = catalogue[table]
            needed = {name for name, (_, is_needed, _) in columns.items() if is_needed}
            made_by_the_loader = {"password_hash"} if table == "users" else set()
            assert needed - made_by_the_loader <= set(frame.columns), table
            for name, kind in frame.schema.items():
                assert (table, name, str(kind)) == (table, name, columns[name][0])
                assert not columns[name][2]


class TestLoad:
    def test_every_row_of_every_table_arrives(self, loaded, tiny_tables):
        url, report, _, _ = loaded
        assert report.is_new
        assert report.rows == {table: frame.height for table, frame in tiny_tables.items()}
        assert {table: count(url, table) for table in report.rows} == report.rows

    def test_numbers_and_moments_arrive_exactly(self, loaded, tiny_tables):
        url, _, _, _ = loaded
        reading = tiny_tables["telemetry"].row(1_234, named=True)
        with psycopg.connect(url) as connection:
            stored = connection.execute(
                "select recorded_at, vibration_mm_s, temperature_c, odometer_km, latitude from telemetry "
                "where id = %s and recorded_at = %s",
                [reading["id"], reading["recorded_at"]],
            ).fetchone()
        names = ("recorded_at", "vibration_mm_s", "temperature_c", "odometer_km", "latitude")
        assert stored == tuple(reading[name] for name in names)

    def test_everybody_gets_a_password_that_opens_and_is_not_stored(self, loaded):
        url, _, logins, _ = loaded
        with psycopg.connect(url) as connection:
            stored = dict(connection.execute("select email, password_hash from users").fetchall())
            suspended = {
                email
                for (email,) in connection.execute(
                    "select email from users join memberships on user_id = users.id where state = 'suspended'"
                )
            }
        one = logins[0]
        assert argon2.PasswordHasher().verify(stored[one.email], one.password)
        assert stored[one.email].startswith("$argon2id$v=19$m=8,t=1,p=1$")
        assert len(suspended) == 3  # they could not log in
        assert {login.email for login in logins} == set(stored) - suspended
        assert len({login.password for login in logins}) == len(stored) - len(suspended)

    def test_one_person_may_enter_two_tenants(self, loaded):
        _, _, logins, _ = loaded
        tenants = {}
        for login in logins:
            tenants.setdefault(login.email, set()).add(login.tenant)
        assert sorted(map(len, tenants.values()))[-2:] == [1, 2]

    def test_progress_reaches_the_end(self, loaded):
        _, report, _, progress = loaded
        tables = [(done, total) for stage, done, total in progress if stage == "tables"]
        readings = [(done, total) for stage, done, total in progress if stage == "telemetry"]
        assert tables[-1] == (len(report.rows) - 1, len(report.rows) - 1)
        done, total = readings[-1]
        assert done == report.rows["telemetry"]
        assert 0.99 * total <= done <= total

    def test_the_planner_knows_the_tables_at_once(self, loaded):
        url, report, _, _ = loaded
        with psycopg.connect(url) as connection:
            known = dict(connection.execute("select relname, reltuples from pg_class").fetchall())
        assert {table: known[table] for table in ("jobs", "invoices")} == {
            table: report.rows[table] for table in ("jobs", "invoices")
        }

    def test_a_second_load_writes_nothing(self, loaded, tiny):
        url, report, _, _ = loaded
        again = load(url, tiny, passwords=lambda logins: pytest.fail("nobody needs a new password"))
        assert not again.is_new
        assert again.rows == {}
        assert count(url, "jobs") == report.rows["jobs"]

    def test_tenants_are_labelled_as_simulated(self, loaded, tiny):
        url, _, _, _ = loaded
        with psycopg.connect(url) as connection:
            labels = connection.execute("select is_simulated, name, data_until from tenants").fetchall()
        assert all(is_simulated and "(simulated)" in name for is_simulated, name, _ in labels)
        assert {until for _, _, until in labels} == {tiny.until}


class TestRefusal:
    def test_a_role_under_row_security_is_told_what_is_missing(self, db_url, tiny):
        with pytest.raises(LoadRefused, match="BYPASSRLS"):
            load(db_url("owner"), tiny, passwords=keep_nothing)

    def test_a_keeper_that_fails_leaves_nothing(self, db_url, tiny):
        def fail(logins):
            raise OSError("disk full")

        with pytest.raises(OSError, match="disk full"):
            load(db_url("super"), tiny, passwords=fail, hasher=CHEAP)
        assert count(db_url("super"), "tenants") == 0

    def test_a_hash_costs_what_the_service_has_them_cost(self):
        """Or a wrong password would take another time for a person of the demo than for nobody."""
        usual = extract_parameters(Passwords(COST)._hasher.hash("a password"))
        assert extract_parameters(HASHER.hash("a password")) == usual

    def test_a_kill_midway_leaves_nothing_and_the_next_load_works(self, db_url, tiny):
        url = db_url("super")
        script = (
            "import os, signal, sys; from datetime import date; from pipelines.demo import Size, load, simulate\n"
            "def stop(stage, done, total):\n"
            "    if stage == 'telemetry': os.kill(os.getpid(), signal.SIGKILL)\n"
            "load(sys.argv[1], simulate(Size.TINY, until=date.fromisoformat(sys.argv[2])), "
            "passwords=print, on_progress=stop)"
        )
        until = tiny.until.isoformat()
        killed = subprocess.run([sys.executable, "-c", script, url, until], cwd=os.getcwd(), check=False)
        assert killed.returncode == -signal.SIGKILL
        assert count(url, "tenants") == count(url, "telemetry") == count(url, "jobs") == 0
        assert load(url, tiny, passwords=keep_nothing, hasher=CHEAP).is_new


class TestExtend:
    def test_the_store_lives_on_as_the_simulation_says(self, pg, loaded, tiny):
        url, report, _, _ = loaded
        counts = extend(url, tiny, 0.01)
        later = tiny.now_us + 8 * DAY_US
        for table, frame in tiny.tables(later):
            assert count(url, table) == frame.height, table
        assert count(url, "telemetry") == report.rows["telemetry"] + counts["telemetry"][0]
        with psycopg.connect(url) as connection:
            paid = connection.execute("select count(*) from invoices where status = 'paid'").fetchone()[0]
        expected = next(f for t, f in tiny.tables(later) if t == "invoices")
        assert paid == (expected["status"] == "paid").sum()

    def test_more_than_was_simulated_is_refused(self, db_url, tiny):
        with pytest.raises(ValueError, match="days ahead"):
            extend(db_url("super"), tiny, 0.05)


def test_the_default_period_is_two_years(tiny):
    assert tiny.until - tiny.first_day == timedelta(days=729)
    assert tiny.until == date(2026, 6, 30)
