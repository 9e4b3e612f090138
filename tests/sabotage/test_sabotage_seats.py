"""Guards of what the warehouse may know of people who log in, taken away one at a time: each is noticed."""

from __future__ import annotations

import psycopg
import pytest

from tests.sabotage.test_sabotage import Patch, Sabotage, sql
from tests.sabotage.test_sabotage_staff import person
from tests.surface.calls import Surface

NAMING = {"sign_ins": ("address", "user_agent"), "invitations": ("email", "full_name", "message")}


def nobody_is_named_to_the_extraction(surface: Surface) -> None:
    with psycopg.connect(surface.firm.address.url("extract"), autocommit=True) as extraction:
        for table, columns in NAMING.items():
            for column in columns:
                try:
                    extraction.execute(f"select {column} from {table}")  # type: ignore[arg-type]
                except psycopg.errors.InsufficientPrivilege:
                    continue
                raise AssertionError(f"{table}.{column} is read")


def seats_are_remembered(surface: Surface) -> None:
    gone = person(surface, "agent")
    owner = surface.firm.client()
    assert owner.post(f"/api/v1/admin/users/{gone}/deactivate").is_success
    assert owner.delete(f"/api/v1/admin/users/{gone}").is_success
    states = "select state from seat_changes where user_id = %s order by happened_at"
    assert surface.firm.sql(states, gone) == [("active",), ("suspended",), ("gone",)]


SABOTAGES = {
    "addresses are read": Sabotage(
        sql("grant select (address) on sign_ins to throughline_extract"), nobody_is_named_to_the_extraction
    ),
    "the invited are read": Sabotage(
        sql("grant select on invitations to throughline_extract"), nobody_is_named_to_the_extraction
    ),
    "who goes was never there": Sabotage(
        sql("drop trigger note_seat_change on memberships"), seats_are_remembered
    ),
    "nobody was suspended": Sabotage(
        sql("drop trigger note_changed_seat on memberships"), seats_are_remembered
    ),
}


@pytest.mark.parametrize("name", SABOTAGES)
def test_it_is_noticed(surface: Surface, monkeypatch: Patch, name: str):
    sabotage = SABOTAGES[name]
    sabotage.check(surface)
    sabotage.harm(surface, monkeypatch)
    with pytest.raises(AssertionError):
        sabotage.check(surface)
