"""A profile that says something wrong is refused when it is read, and says where."""

from __future__ import annotations

import re
import uuid

import duckdb
import pytest

from pipelines.sources import sql
from pipelines.sources.profile import ProfileInvalid, load_profiles, parse_profile
from tests.pipelines.sources.shop import SHOP

GOOD = SHOP % {"delivery": "complete"}
WRONG = {
    "no YAML": ("tenant: {", "tenant: }{", r"shop: no valid YAML"),
    "unknown word": (
        "delivery:",
        "frequency: daily\ndelivery:",
        r"shop: unknown word frequency; known: codes, delivery",
    ),
    "delivery": (
        "complete",
        "sometimes",
        r"delivery is 'complete' \(the whole set each time\) or 'additions'",
    ),
    "tenant": ("currency: EUR", "valuta: EUR", r"shop, tenant: unknown word valuta"),
    "layout": (
        "missing: [n/a]",
        "separator: ';'",
        r"shop, files, orders: unknown word separator; known: .*delimiter",
    ),
    "table": ("table: invoices", "table: bills", r"shop, tables, bills: no such table; there are accounts"),
    "column": ("number: number", "nummer: number", r"shop, tables, invoices: invoices has no column nummer"),
    "left out": (
        "issued_at: issued",
        "due_date: issued",
        r"shop, tables, invoices: invoices also needs issued_at",
    ),
    "no SQL": ("cents(price)\n    ", "cents(price\n    ", r"shop, tables, invoices, net_cents: syntax error"),
    "from nothing": (
        "from: orders\n    key: number",
        "from: bills\n    key: number",
        r"from names none of the files",
    ),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_wrong_is_told_with_its_place(kind):
    old, new, message = WRONG[kind]
    assert old in GOOD
    with pytest.raises(ProfileInvalid, match=message):
        parse_profile("shop", GOOD.replace(old, new, 1))


def test_every_shipped_profile_is_readable_and_short():
    profiles = load_profiles()
    assert {
        *("retail_online", "bi_adventureworks", "churn_ibm_telco", "leads_xeducation", "pdm_azure"),
        *("obd_carobd", "geo_311_nyc", "uplift_hillstrom"),
    } <= profiles.keys()
    assert len({profile.tenant.slug for profile in profiles.values()}) == len(profiles)
    assert all(re.fullmatch("[A-Z]{3}", profile.tenant.currency) for profile in profiles.values())


class TestWords:
    @pytest.fixture
    def ask(self):
        with duckdb.connect() as connection:
            sql.teach(connection, uuid.UUID(int=7), {"colours": {"rot": "red", "it's": "quoted"}})
            yield lambda expression: connection.execute(f"select {expression}").fetchone()[0]

    def test_ids_are_version_5_of_the_natural_key(self, ask):
        for key in (("1",), ("1", "2"), ("ä", "", "z"), ("1", "2", "3", "4")):
            listed = ", ".join(f"'{part}'" for part in key)
            assert ask(f"id('jobs', {listed})") == sql.row_id(uuid.UUID(int=7), "jobs", *key)
        assert sql.row_id(uuid.UUID(int=7), "jobs", "1", "2").version == 5
        assert ask("id('jobs', '1', '2')") != ask("id('jobs', '12')") != ask("id('trips', '12')")

    def test_an_empty_part_of_a_key_makes_no_id(self, ask):
        assert ask("id('jobs', null)") is None
        assert ask("id('jobs', '1', null)") is None

    @pytest.mark.parametrize(
        ("given", "cents"),
        [("2.5", "250"), ("1.005", "101"), (" 7 ", "700"), ("-0.01", "-1"), ("1e2", "10000")],
    )
    def test_cents_are_exact(self, ask, given, cents):
        assert ask(f"cents('{given}')") == cents

    def test_what_cannot_be_read_stays_visible(self, ask):
        assert ask("cents('free')") == "free"
        assert ask("isnan(number('many'))") is True
        assert ask("cents(number('many') * 2)") == "nan"
        assert ask("moment('tomorrow', '%d.%m.%Y')") == "tomorrow"
        assert ask("total(cents(x)) from (values ('1'), ('free')) t(x)") == "incomplete"
        assert ask("total(cents(x)) from (values ('1'), (null)) t(x)") == "incomplete"

    def test_what_is_empty_stays_empty(self, ask):
        for expression in ("cents(null)", "number(null)", "moment(null, '%Y')", "colours('blau')"):
            assert ask(expression) is None

    def test_codes_become_words(self, ask):
        assert (ask("colours('rot')"), ask("colours('it''s')")) == ("red", "quoted")
