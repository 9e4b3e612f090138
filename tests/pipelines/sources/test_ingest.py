"""What has landed lands once; what changed lands again; a kill leaves nothing half-done."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.sources import ingest
from pipelines.sources.ingest import ingest_folder
from pipelines.sources.profile import load_profiles, parse_profile
from pipelines.sources.report import describe
from pipelines.sources.sql import row_id
from tests.pipelines.sources.shop import HEADER, ROWS, SHOP, Shop, rows
from warehouse.landing import Landing
from warehouse.settings import Home

GOOD = HEADER + ROWS
MORE = HEADER + "3,Cleo,2026-07-03 23:30,5\n4,Dora,2026-08-01 12:00,1\n"


def states(report) -> dict[str, str]:
    return {table.table: table.state for table in report.tables}


class TestAgain:
    def test_the_same_files_land_once(self, shop):
        shop.put(GOOD)
        assert states(shop.ingest()) == {"accounts": "landed", "invoices": "landed"}
        loads = shop.loads
        again = shop.ingest()
        assert (states(again), shop.loads) == ({"accounts": "unchanged", "invoices": "unchanged"}, loads)
        assert [file.state for file in again.files] == ["unchanged"]
        assert [(t.rows_read, t.rows_landed) for t in again.tables] == [(2, 2), (3, 3)]

    def test_the_same_content_under_another_name_is_known(self, shop):
        path = shop.put(GOOD)
        shop.ingest()
        path.rename(path.with_name("orders-2.csv"))
        assert states(shop.ingest())["invoices"] == "unchanged"

    def test_a_changed_complete_set_replaces_what_was_there(self, shop):
        shop.put(GOOD)
        shop.ingest()
        shop.put(MORE)
        shop.ingest()
        assert shop.numbers == ["3", "4"]
        assert shop.rows("select company_name from accounts order by 1") == [("Cleo",), ("Dora",)]

    def test_a_file_that_left_a_complete_set_takes_its_rows_with_it(self, shop):
        shop.put(GOOD)
        leaver = shop.put(MORE.replace("3,Cleo", "5,Cleo"), "orders-2.csv")
        shop.ingest()
        assert shop.numbers == ["1", "2", "3", "4", "5"]
        leaver.unlink()
        shop.ingest()
        assert shop.numbers == ["1", "2", "3"]

    def test_a_file_refused_from_a_complete_set_takes_no_row_with_it(self, shop):
        shop.put(GOOD)
        shop.put(MORE.replace("3,Cleo", "5,Cleo"), "orders-2.csv")
        shop.ingest()
        shop.put(GOOD.replace("2.50", "2.60"))
        shop.put("broken", "orders-2.csv")
        assert len(shop.ingest().rejected) == 1
        assert shop.numbers == ["1", "2", "3", "4", "5"]
        assert shop.rows("select net_cents from invoices where number = '1'") == [(260,)]
        loads = shop.loads
        shop.ingest()
        assert shop.loads == loads

    def test_additions_read_new_files_only_and_replace_by_key(self, additions):
        additions.put(GOOD)
        additions.ingest()
        additions.put(MORE, "orders-2.csv")
        report = additions.ingest()
        assert {file.path.name: file.state for file in report.files} == {
            "orders.csv": "unchanged",
            "orders-2.csv": "read",
        }
        assert {t.table: t.rows_read for t in report.tables} == {"accounts": 2, "invoices": 2}
        assert additions.numbers == ["1", "2", "3", "4"]
        assert additions.rows("select account_id is null from invoices where number = '3'") == [(False,)]

    def test_another_profile_reads_the_same_file_again(self, shop):
        shop.put(GOOD)
        shop.ingest()
        text = (SHOP % {"delivery": "complete"}).replace("tax_cents: 0", "tax_cents: 1")
        shop.profile = parse_profile("shop", text)
        assert states(shop.ingest())["invoices"] == "landed"
        assert shop.rows("select distinct tax_cents from invoices") == [(1,)]

    def test_a_damaged_load_is_read_again(self, shop):
        shop.put(GOOD)
        shop.ingest()
        next((shop.home.landing / "shop" / "invoices").rglob("*.parquet")).unlink()
        assert states(shop.ingest()) == {"accounts": "unchanged", "invoices": "landed"}
        assert shop.numbers == ["1", "2", "3"]

    def test_a_source_without_its_folder_is_left_alone(self, shop):
        shop.put(GOOD)
        shop.ingest()
        elsewhere = shop.sources.parent / "elsewhere"
        elsewhere.mkdir()
        assert ingest_folder(shop.home, elsewhere, run_id="run", profiles=shop.profiles) == []
        assert shop.numbers == ["1", "2", "3"]
        with pytest.raises(FileNotFoundError, match="one folder a source"):
            ingest_folder(shop.home, elsewhere / "absent", run_id="run", profiles=shop.profiles)


class TestRows:
    def test_ids_are_of_the_natural_key_and_references_meet(self, shop):
        shop.put(GOOD)
        shop.ingest()
        tenant = shop.profile.tenant.id
        assert shop.rows("select id, tenant_id from invoices where number = '1'") == [
            (row_id(tenant, "invoices", "1"), tenant)
        ]
        assert shop.rows("select count(*) from invoices i join accounts a on a.id = i.account_id") == [(2,)]

    def test_the_tenant_lands_beside_its_rows(self, shop):
        shop.put(GOOD)
        shop.ingest()
        assert shop.rows("select id, slug, kind, currency, timezone, is_simulated from tenants") == [
            (shop.profile.tenant.id, "shop", "source", "EUR", "Europe/Berlin", False)
        ]

    def test_no_tenant_without_rows(self, shop):
        shop.put("broken")
        shop.ingest()
        assert shop.loads == 0

    def test_a_mapping_that_fails_leaves_its_table_and_no_other(self, shop):
        text = (SHOP % {"delivery": "complete"}).replace("number: number", "number: no_such_function(number)")
        shop.profile = parse_profile("shop", text)
        shop.put(GOOD)
        report = shop.ingest()
        assert states(report) == {"accounts": "landed", "invoices": "skipped"}
        assert "no_such_function" in describe([report])

    def test_a_full_disk_is_not_taken_for_a_broken_file(self, shop, monkeypatch):
        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(ingest.readers, "copy_text", full)
        shop.put(GOOD)
        with pytest.raises(OSError, match="No space left"):
            shop.ingest()

    def test_the_report_names_rows_reasons_and_refusals(self, shop):
        shop.put(GOOD + "4,Dora,yesterday,1.00\n")
        shop.put("broken", "orders-2.csv")
        text = describe([shop.ingest()])
        assert "shop: 4 rows read from 1 file, 1 file REJECTED" in text
        assert "invoices: 3 landed of 4, 1 quarantined" in text
        assert "1 × issued_at: cannot be read as timestamptz" in text
        assert "rejected: orders-2.csv: it has no column" in text


# Dies before the n-th of the steps that leave something on disk or decide what will.
MORTAL = """
import os, signal, sys
from pathlib import Path
from pipelines.sources import ingest, mapping, readers
from pipelines.sources.profile import load_profiles
from warehouse.settings import Home

home, sources, profiles, fatal = sys.argv[1:]
steps = 0

def mortal(function):
    def step(*given, **named):
        global steps
        steps += 1
        if steps == int(fatal):
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*given, **named)
    return step

os.replace = mortal(os.replace)
readers.copy_text = mortal(readers.copy_text)
mapping.rows_of = mortal(mapping.rows_of)
ingest.ingest_folder(Home(home).create(), Path(sources), run_id="run", profiles=load_profiles(Path(profiles)))
print(steps)
"""
CONTENT = (
    "select * exclude (created_at) from tenants",
    "select * exclude (created_at) from accounts order by id",
    "select * exclude (created_at) from invoices order by id",
)


class TestKills:
    @pytest.fixture
    def undisturbed(self, tmp_path: Path) -> Shop:
        shop = Shop(tmp_path / "undisturbed")
        shop.put(GOOD + "4,Dora,yesterday,1.00\n")
        (tmp_path / "profiles").mkdir()
        (tmp_path / "profiles" / "shop.yml").write_text(SHOP % {"delivery": "complete"})
        return shop

    def run(self, tmp_path: Path, home: Home, sources: Path, fatal: int) -> subprocess.CompletedProcess[str]:
        arguments = [str(home.root), str(sources), str(tmp_path / "profiles"), str(fatal)]
        return subprocess.run(
            [sys.executable, "-c", MORTAL, *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    @pytest.mark.parametrize("kills", [3, pytest.param(100, marks=pytest.mark.torture)])
    def test_a_kill_at_any_step_is_repaired_by_the_next_run(self, tmp_path, undisturbed, kills):
        first = self.run(tmp_path, undisturbed.home, undisturbed.sources, 0)
        assert first.returncode == 0, first.stderr
        steps = int(first.stdout)
        wanted = [rows(undisturbed.home, query) for query in CONTENT]
        assert steps >= 8
        for fatal in sorted(random.Random(4).sample(range(1, steps + 1), min(kills, steps))):
            home = Home(tmp_path / f"killed-{fatal}")
            assert self.run(tmp_path, home, undisturbed.sources, fatal).returncode == -9
            committed = [load.table for load in Landing(home).loads()]
            assert Landing(home).verify(Landing(home).live()) == []
            (report,) = ingest_folder(
                home, undisturbed.sources, run_id="next", profiles=load_profiles(tmp_path / "profiles")
            )
            assert {t.table for t in report.tables if t.state == "unchanged"} == {*committed} - {"tenants"}
            assert [rows(home, query) for query in CONTENT] == wanted
            on_disk = {p.relative_to(home.landing).as_posix() for p in home.landing.rglob("*.parquet")}
            assert on_disk == {part.path for load in Landing(home).loads() for part in load.parts}
            assert not (home.root / "reading").exists()
