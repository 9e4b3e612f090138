"""What a release contains, and what is refused before anyone can read it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import duckdb
import pytest

from tests.warehouse.releases.numbered import ACME, BOLT, ROWS, TABLES, fill
from warehouse.releases import (
    ReleaseInfo,
    ReleaseReader,
    ReleaseRefused,
    ReleasesBusy,
    check_sound,
    current,
    list_releases,
    publish,
)
from warehouse.releases.store import publisher_lock

AS_OF = datetime(2026, 1, 31, tzinfo=UTC)


class TestContents:
    def test_it_says_what_it_is(
        self, warehouse: Path, releases: Path, manifest: Path, reader: ReleaseReader
    ) -> None:
        release = publish(
            warehouse,
            releases,
            tables=TABLES,
            shared_tables=["calendar"],
            as_of=AS_OF,
            run_id="run-7",
            semantic_manifest=manifest,
        )
        assert release == current(releases) == check_sound(release)
        assert release.rows == {"sales": 50, "visits": 50, "calendar": 31}
        with reader.query(ACME) as session:
            info = session.fetch("select release_id, as_of, run_id from release.info")
            assert info.rows == [(release.id, AS_OF, "run-7")]
            assert session.semantic_manifest == manifest.read_text()

    def test_rows_lie_by_tenant_and_day_so_that_scans_skip_the_rest(
        self, publish_number: Callable[[int], ReleaseInfo]
    ) -> None:
        with duckdb.connect(str(publish_number(1).path), read_only=True) as conn:
            rows = conn.execute("select tenant_id, sold_date from base.sales order by rowid").fetchall()
        assert rows == sorted(rows)

    def test_a_tenant_sees_the_cards_of_its_own_models(
        self, warehouse: Path, releases: Path, reader: ReleaseReader
    ) -> None:
        cards = [
            {"tenant_id": str(ACME), "question": "churn"},
            {"tenant_id": str(BOLT), "question": "leads"},
            {"question": "all"},
        ]
        publish(warehouse, releases, tables=["sales"], as_of=AS_OF, run_id="r", cards=cards)
        rows = reader.fetch(ACME, "select card->>'question' from release.cards order by 1").rows
        assert rows == [("all",), ("churn",)]

    def test_a_second_publish_leaves_the_first_as_it_was(
        self, releases: Path, publish_number: Callable[[int], ReleaseInfo]
    ) -> None:
        first, second = publish_number(1), publish_number(2)
        assert current(releases) == second
        assert check_sound(first).id < second.id
        assert [release.id for release in list_releases(releases)] == [second.id, first.id]


class TestRefusals:
    def refused(self, warehouse: Path, releases: Path, sql: str, *, shared: tuple[str, ...] = ()) -> str:
        with duckdb.connect(str(warehouse)) as conn:
            conn.execute(sql)
        with pytest.raises(ReleaseRefused) as refusal:
            publish(
                warehouse,
                releases,
                tables=["sales", *([] if shared else ["extra"])],
                shared_tables=shared,
                as_of=AS_OF,
                run_id="r",
            )
        assert current(releases) is None
        assert sorted(path.name for path in releases.iterdir()) == [".lock"]
        return str(refusal.value)

    def test_a_missing_table(self, warehouse: Path, releases: Path) -> None:
        assert "marts.extra" in self.refused(warehouse, releases, "select 1")

    def test_a_table_without_tenants(self, warehouse: Path, releases: Path) -> None:
        assert "tenant_id" in self.refused(warehouse, releases, "create table marts.extra as select 1 as x")

    def test_a_row_without_a_tenant(self, warehouse: Path, releases: Path) -> None:
        message = self.refused(
            warehouse, releases, "create table marts.extra as select null::uuid as tenant_id"
        )
        assert "1 rows without a tenant" in message

    def test_a_tenants_table_given_as_shared(self, warehouse: Path, releases: Path) -> None:
        assert "cannot be shared" in self.refused(warehouse, releases, "select 1", shared=("visits",))

    def test_a_moment_without_a_time_zone(self, warehouse: Path, releases: Path) -> None:
        with pytest.raises(ValueError, match="time zone"):
            publish(warehouse, releases, tables=["sales"], as_of=datetime(2026, 1, 1), run_id="r")

    def test_a_manifest_that_is_not_json(self, warehouse: Path, releases: Path, manifest: Path) -> None:
        manifest.write_text("{")
        with pytest.raises(ReleaseRefused, match="semantic manifest"):
            publish(
                warehouse, releases, tables=["sales"], as_of=AS_OF, run_id="r", semantic_manifest=manifest
            )

    def test_metrics_over_a_table_that_is_not_published(
        self, warehouse: Path, releases: Path, manifest: Path
    ) -> None:
        content = json.loads(manifest.read_text())
        content["semantic_models"] = [{"name": "visits", "node_relation": {"alias": "visits"}}]
        manifest.write_text(json.dumps(content))
        with pytest.raises(ReleaseRefused, match="not published: visits"):
            publish(
                warehouse, releases, tables=["sales"], as_of=AS_OF, run_id="r", semantic_manifest=manifest
            )

    def test_a_warehouse_that_is_still_being_written(self, warehouse: Path, releases: Path) -> None:
        with duckdb.connect(str(warehouse)), pytest.raises(ReleaseRefused, match="open for writing"):
            publish(warehouse, releases, tables=["sales"], as_of=AS_OF, run_id="r")

    def test_an_id_that_exists(self, warehouse: Path, publish_number: Callable[[int], ReleaseInfo]) -> None:
        release = publish_number(1)
        with pytest.raises(ReleaseRefused, match="never changes"):
            publish(
                warehouse,
                release.path.parent,
                tables=["sales"],
                as_of=AS_OF,
                run_id="r",
                release_id=release.id,
            )

    def test_a_publisher_waits_its_turn_and_says_so(self, warehouse: Path, releases: Path) -> None:
        with publisher_lock(releases), pytest.raises(ReleasesBusy):
            publish(warehouse, releases, tables=["sales"], as_of=AS_OF, run_id="r", lock_wait_s=0.0)


PUBLISHER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from warehouse.releases import publish
warehouse, releases = Path(sys.argv[1]), Path(sys.argv[2])
print("ready", flush=True)
for number in range(1_000):
    now = datetime.now(UTC)
    publish(warehouse, releases, tables=["sales", "visits"], as_of=now, run_id="killed", keep_days=0)
"""


@pytest.mark.parametrize(
    "seed", [*range(4), *(pytest.param(n, marks=pytest.mark.torture) for n in range(4, 100))]
)
def test_a_publisher_killed_at_any_instant_leaves_a_sound_current_release(
    warehouse: Path,
    releases: Path,
    publish_number: Callable[[int], ReleaseInfo],
    reader: ReleaseReader,
    seed: int,
) -> None:
    publish_number(1)
    rng = Random(seed)
    for _ in range(2):
        publisher = subprocess.Popen(
            [sys.executable, "-c", PUBLISHER, str(warehouse), str(releases)], stdout=subprocess.PIPE
        )
        assert publisher.stdout is not None
        publisher.stdout.readline()
        time.sleep(rng.uniform(0.0, 0.25))
        os.kill(publisher.pid, signal.SIGKILL)
        publisher.wait()
        publisher.stdout.close()

        survivor = current(releases)
        assert survivor is not None
        assert (releases / "current").read_text().strip() == survivor.id
        assert len(reader.fetch(ACME, "from marts.sales").rows) == ROWS[ACME]

    fill(warehouse, 9)
    after = publish(warehouse, releases, tables=TABLES, as_of=AS_OF, run_id="after")
    assert current(releases) == after
    named = {f"{release.id}{end}" for release in list_releases(releases) for end in (".duckdb", ".json")}
    assert {path.name for path in releases.iterdir()} == named | {"current", ".lock"}


def test_a_full_disk_leaves_readers_where_they_were(
    warehouse: Path, releases: Path, publish_number: Callable[[int], ReleaseInfo]
) -> None:
    first = publish_number(1)
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))"
    publisher = subprocess.run(
        [sys.executable, "-c", limit + PUBLISHER, str(warehouse), str(releases)],
        capture_output=True,
        text=True,
    )
    assert publisher.returncode == 1
    assert "File too large" in publisher.stderr
    assert current(releases) == first
    assert {path.name for path in releases.iterdir()} == {
        "current",
        ".lock",
        first.path.name,
        f"{first.id}.json",
    }
    assert publish_number(2) == current(releases)
