"""What is allowed of leads, and what follows: no database, no clock."""

from __future__ import annotations

import pytest

from serve.crm.leads.errors import StatusDoesNotFollow
from serve.crm.leads.rules import NEXT, answers, check_lead, event_of
from serve.kernel.errors import Invalid
from serve.kernel.resources.store import NOW

ADA = {"full_name": "Ada", "status": "new"}


def moved(was: str, status: str, **fields: object) -> dict[str, object]:
    before = {**ADA, "status": was}
    return check_lead(before, {**before, "status": status, **fields})


class TestStatus:
    @pytest.mark.parametrize("was", NEXT)
    @pytest.mark.parametrize("status", NEXT)
    def test_only_what_follows_is_allowed(self, was, status):
        needed = {"lost_reason": "price", "value_cents": 1, "won_at": None, "lost_at": None}
        needed |= {} if status == "lost" or was == "lost" else {"lost_reason": None}
        if status == was or status in NEXT[was]:
            moved(was, status, **needed)
        else:
            with pytest.raises(StatusDoesNotFollow, match="status"):
                moved(was, status, **needed)

    def test_a_new_lead_may_have_any(self):
        assert check_lead(None, ADA | {"status": "won", "value_cents": 5})["won_at"] is NOW

    def test_what_it_needs_is_named(self):
        with pytest.raises(Invalid) as lost:
            moved("new", "lost")
        with pytest.raises(Invalid) as won:
            moved("qualified", "won")
        assert [lost.value.details[0][0], won.value.details[0][0]] == ["lost_reason", "value_cents"]

    def test_a_moment_that_was_said_stays(self):
        assert "won_at" not in moved("qualified", "won", value_cents=1, won_at="2026-01-01")

    def test_what_belongs_to_another_status_is_refused_or_goes(self):
        with pytest.raises(Invalid):
            moved("new", "contacted", lost_reason="price")
        follows = moved("lost", "contacted", lost_reason="price", lost_at="2026-01-01")
        assert (follows["lost_reason"], follows["lost_at"]) == (None, None)

    def test_the_first_time_is_noted_once(self):
        assert moved("new", "contacted")["contacted_at"] is NOW
        assert "contacted_at" not in moved("qualified", "contacted", contacted_at="2026-01-01")

    def test_what_happens_has_a_name(self):
        assert event_of({"status": "new"}, "contacted") == "lead.contacted"
        assert event_of({"status": "lost"}, "contacted") == "lead.reopened"
        assert event_of({"status": "won"}, "won") == "lead.won"


class TestName:
    @pytest.mark.parametrize(
        ("fields", "name"),
        [
            ({"full_name": " Ada "}, "Ada"),
            ({"full_name": None, "company": "Nordlicht", "email": "a@b.c"}, "Nordlicht"),
            ({"full_name": "", "email": "a@b.c", "phone": "1"}, "a@b.c"),
            ({"full_name": None, "external_id": "660737"}, "660737"),
        ],
    )
    def test_it_is_the_best_that_is_known(self, fields, name):
        assert check_lead(None, {"status": "new", **fields})["full_name"] == name

    def test_nobody_is_refused(self):
        with pytest.raises(Invalid) as refused:
            check_lead(None, {"status": "new"})
        assert refused.value.details[0][0] == "full_name"


def test_a_place_has_both():
    with pytest.raises(Invalid):
        check_lead(None, ADA | {"latitude": 53.0})
    check_lead(None, ADA | {"latitude": 53.0, "longitude": 0.0})


@pytest.mark.parametrize(
    ("kind", "direction", "is_one"),
    [("call", "out", True), ("reply", "out", True), ("call", "in", False), ("visit", "out", False)],
)
def test_what_is_an_answer(kind, direction, is_one):
    assert answers(kind, direction) is is_one
