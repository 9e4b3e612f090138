"""docs/guides/new-source.md, followed to the letter."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipelines.sources.ingest import ingest_folder
from pipelines.sources.profile import Input, Table, Tenant, load_profiles
from pipelines.sources.report import describe
from pipelines.sources.sql import WORDS
from tests.pipelines.sources.shop import rows
from warehouse.settings import PROJECT, Home

GUIDE = (PROJECT / "docs" / "guides" / "new-source.md").read_text("utf-8")
BLOCKS = dict(re.findall(r"^```(\w+)\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL))


@pytest.fixture
def bakery(tmp_path: Path) -> tuple[Home, Path, Path]:
    """Steps 1 to 3."""
    sources, profiles = tmp_path / "sources", tmp_path / "profiles"
    (sources / "bakery").mkdir(parents=True)
    profiles.mkdir()
    (sources / "bakery" / "sales-2026-01.csv").write_text(BLOCKS["csv"])
    (profiles / "bakery.yml").write_text(BLOCKS["yaml"])
    return Home(tmp_path / "home").create(), sources, profiles


def test_it_gives_what_the_guide_shows(bakery):
    home, sources, profiles = bakery
    known = load_profiles(profiles)
    assert describe(ingest_folder(home, sources, run_id="run", profiles=known)) == BLOCKS["text"].rstrip("\n")
    assert rows(
        home,
        "select number, net_cents, issued_at::varchar, company_name from invoices i"
        " left join accounts a on a.id = i.account_id order by number",
    ) == [("1001", 1090, "2026-01-05 06:58:00+00", "K-12"), ("1002", 180, "2026-01-05 07:10:00+00", None)]
    again = describe(ingest_folder(home, sources, run_id="run", profiles=known))
    assert again.startswith("bakery: 0 rows read from 0 files, 1 file unchanged")


def test_a_profile_is_about_30_lines():
    lines = [line for line in BLOCKS["yaml"].splitlines() if line.strip()]
    assert 25 <= len(lines) <= 40


def test_the_guide_tells_every_word():
    words = {*Tenant.__annotations__, *Input.__annotations__, *Table.__annotations__} - {
        *("paths", "inputs", "needed", "source")
    }
    words |= {signature.split("(")[0] for signature in WORDS}
    assert [word for word in sorted(words) if f"`{word}" not in GUIDE and f"{word}`" not in GUIDE] == []
