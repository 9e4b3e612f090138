"""The drop folder: taken and filed away, or set aside with the reason beside it."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from pipelines.sources import drop, sensor
from pipelines.sources.drop import dropped, process_drop
from pipelines.sources.profile import parse_profile
from tests.pipelines.sources.shop import HEADER, ROWS, Shop

GOOD = HEADER + ROWS
TWO_FILES = """
tenant: {name: Shop, country: DE, timezone: UTC, currency: EUR}
delivery: additions
files: {orders: orders*, prices: prices*}
tables:
  - table: invoices
    from: orders join prices using (product)
    key: number
    constants: {status: sent, is_return: false, tax_cents: 0}
    columns: {number: number, issued_at: issued, net_cents: cents(price), total_cents: cents(price)}
"""


def put(shop: Shop, name: str, content: str | bytes, folder: str = "shop") -> Path:
    place = shop.home.drop / folder
    place.mkdir(exist_ok=True)
    (place / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return place / name


def process(shop: Shop, settled_s: float = 0.0):
    return process_drop(shop.home, "run", profiles=shop.profiles, settled_s=settled_s)


def lying(shop: Shop) -> set[str]:
    today = datetime.now(UTC).date().isoformat()
    return {
        path.relative_to(shop.home.drop).as_posix().replace(today, "today")
        for path in shop.home.drop.rglob("*")
        if path.is_file()
    }


def test_a_known_file_lands_and_moves_to_done(shop):
    put(shop, "orders.csv", GOOD)
    (report,) = process(shop)
    assert report.tables
    assert shop.numbers == ["1", "2", "3"]
    assert lying(shop) == {"done/today/shop/orders.csv"}
    assert process(shop) == []


def test_a_broken_file_is_set_aside_with_the_reason_and_the_others_land(additions):
    put(additions, "orders.csv", GOOD)
    put(additions, "orders-2.csv", GOOD.replace(",", ";"))
    process(additions)
    assert lying(additions) == {
        "done/today/shop/orders.csv",
        "rejected/shop/orders-2.csv",
        "rejected/shop/orders-2.csv.why.txt",
    }
    why = (additions.home.drop / "rejected" / "shop" / "orders-2.csv.why.txt").read_text()
    assert "delimiter: ';'" in why


@pytest.mark.parametrize(
    ("folder", "name", "why"),
    [
        ("nobody", "orders.csv", "no source is called 'nobody'. Known: shop"),
        (".", "orders.csv", "Put it into drop/<source>/, where source is one of shop"),
        ("shop", "stock.csv", "shop takes files of other names: orders*"),
    ],
)
def test_a_file_that_nobody_knows_is_set_aside_with_the_reason(shop, folder, name, why):
    put(shop, name, GOOD, folder)
    process(shop)
    (text,) = shop.home.drop.rglob("*.why.txt")
    assert why in text.read_text()
    assert shop.loads == 0


def test_a_file_that_means_nothing_without_another_says_which(shop):
    shop.profile = parse_profile("shop", TWO_FILES)
    put(shop, "orders.csv", "number,product,issued\n1,tea,2026-01-01\n")
    process(shop)
    (text,) = shop.home.drop.rglob("*.why.txt")
    assert "invoices: there is no readable prices*" in text.read_text()


def test_a_file_that_was_just_touched_waits(shop):
    path = put(shop, "orders.csv", GOOD)
    assert process(shop, settled_s=60.0) == []
    assert path.exists()
    put(shop, "orders-2.csv.part", GOOD)
    assert dropped(shop.home) == [path]


def test_a_name_taken_in_done_gets_a_number(additions):
    put(additions, "orders.csv", GOOD)
    process(additions)
    put(additions, "orders.csv", GOOD.replace("2.50", "2.60"))
    process(additions)
    assert lying(additions) == {"done/today/shop/orders.csv", "done/today/shop/2-orders.csv"}
    assert additions.rows("select net_cents from invoices where number = '1'") == [(260,)]


def test_killed_between_landing_and_moving_the_file_is_only_moved(shop, monkeypatch):
    put(shop, "orders.csv", GOOD)
    with monkeypatch.context() as patch:
        patch.setattr(drop, "_move", lambda *_: os._exit)
        process(shop)
    loads = shop.loads
    process(shop)
    assert (shop.loads, lying(shop)) == (loads, {"done/today/shop/orders.csv"})


class TestSensor:
    @pytest.fixture(autouse=True)
    def home(self, shop, monkeypatch):
        monkeypatch.setattr(sensor, "HOME", shop.home)

    def look(self, cursor: str | None) -> tuple[list[dg.RunRequest], str]:
        context = dg.build_sensor_context(cursor=cursor)
        return sensor.drop_folder.evaluate_tick(context).run_requests or [], context.cursor

    def test_it_asks_for_a_run_once_the_files_stay_the_same(self, shop):
        requests, cursor = self.look(None)
        assert requests == []
        path = put(shop, "orders.csv", HEADER)
        requests, cursor = self.look(cursor)
        assert requests == []
        with path.open("a") as file:
            file.write(ROWS)
        requests, cursor = self.look(cursor)
        assert requests == []
        requests, cursor = self.look(cursor)
        (first,) = requests
        (again,), _ = self.look(cursor)
        assert first.run_key == again.run_key
        path.write_text(GOOD.replace("2.50", "3.50"))
        _, cursor = self.look(cursor)
        (changed,), _ = self.look(cursor)
        assert changed.run_key != first.run_key

    def test_what_was_taken_or_refused_starts_nothing(self, shop):
        put(shop, "orders.csv", GOOD, "nobody")
        process(shop)
        _, cursor = self.look(None)
        assert self.look(cursor)[0] == []
