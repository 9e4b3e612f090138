"""No table is forgotten by exports and erasures: each says what it knows of people."""

from __future__ import annotations

import pytest

from serve.identity.privacy.registry import KNOWN, NOTHING, PEOPLE, TECHNICAL, UNREACHED
from serve.kernel.tables import all_tables

TABLES = all_tables().tables
SUBJECTS = {*PEOPLE.values(), "accounts", "employees", "users"}
PERSONAL_WORDS = ("email", "phone", "full_name", "address", "user_agent")
HELP = "say in serve/identity/privacy/registry.py what it knows of people (KNOWN), or why nothing (NOTHING)"


def test_every_table_says_what_it_knows_of_people():
    assert sorted(TABLES.keys() - KNOWN.keys() - NOTHING.keys()) == [], HELP
    assert sorted((KNOWN.keys() | NOTHING.keys()) - TABLES.keys()) == [], "no such table any more"
    assert KNOWN.keys() & NOTHING.keys() == set()


@pytest.mark.parametrize("name", sorted(NOTHING))
def test_a_table_that_knows_nothing_refers_to_nobody(name):
    table = TABLES[name]
    assert not table.info.get("personal")
    refers = {column.info.get("references") for column in table.columns} | {
        key.column.table.name for key in table.foreign_keys
    }
    assert refers & SUBJECTS == set()
    assert [c.name for c in table.columns if any(word in c.name for word in PERSONAL_WORDS)] == []


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_what_is_said_of_a_table_fits_it(name):
    table, known = TABLES[name], KNOWN[name]
    said = {
        *known.links,
        *known.blank,
        *known.held,
        *known.hidden,
        *known.stays,
        *filter(None, [known.address]),
    }
    assert sorted(said - set(table.columns.keys())) == []
    assert known.links or known.address, "how are rows of a person found?"
    assert bool(known.blank) == (known.fate == "blanked")
    assert known.fate != "kept" or known.why, "what is kept needs a reason"
    if known.fate == "blanked":
        forgotten = set(table.info.get("personal", ())) - known.blank.keys()
        assert forgotten == set(), "personal columns that an erasure leaves"
        assert "person_key" not in table.columns or "person_key" in known.blank
    if name not in UNREACHED:
        assert "id" in table.columns
    referring = {c.name for c in table.columns if c.info.get("references") in SUBJECTS - {"users"}}
    companies = {c for c in referring if table.columns[c].info["references"] == "accounts"}
    assert referring - companies - known.links.keys() - {*known.stays} == set()
    assert {"person_key", "tenant_id"} <= TECHNICAL
