"""Who saw a flag, what they think of it, and which flags have had their day."""

from __future__ import annotations

from uuid import UUID

import pytest

from serve.platform.flags.service import note_stale
from serve.platform.flags.sightings import Sightings
from tests.serve.firm import Firm
from tests.serve.platform.flags.flagging import FLAGS, caller_of, fresh, given, make, settled


class TestUse:
    def test_who_saw_what_first_is_noted_once(self, firm):
        flag, agent = make(firm), firm.client("agent")
        fresh(firm)
        for is_shown in (False, True, True):
            assert given(agent, flag["key"], note_exposure=is_shown)["value"] is True
        settled(firm)
        exposures = "select subject, variant, first_seen_at from flag_exposures where flag_id = %s"
        [(subject, variant, first_seen_at)] = firm.sql(exposures, flag["id"])
        assert (UUID(subject), variant) == (firm.people[firm.a, "agent"], "on")
        another = Sightings()  # of another process, or after a restart
        tenant = firm.running.wait_for(firm.running.app.state.flags.copies.of(caller_of(firm)))
        verdict = firm.running.wait_for(
            firm.running.app.state.flags.verdict(caller_of(firm, "agent"), flag["key"])
        )
        another.note(caller_of(firm), tenant.flags[flag["key"]], verdict, subject=subject)
        firm.running.wait_for(another.write(firm.running.app.state.worker_database))
        assert firm.sql(exposures, flag["id"]) == [(subject, "on", first_seen_at)]
        settled(firm)
        uses = firm.client().get(f"{FLAGS}/{flag['id']}/uses").json()["data"]
        assert uses == [{"variant": "on", "use_count": 5, "subject_count": 1}]

    def test_a_flag_that_is_off_shows_nobody_anything(self, firm):
        flag = make(firm, is_enabled=False)
        fresh(firm)
        given(firm.client(), flag["key"], note_exposure=True)
        settled(firm)
        assert firm.sql("select 1 from flag_exposures where flag_id = %s", flag["id"]) == []
        assert firm.sql("select use_count from flag_uses where flag_id = %s", flag["id"]) == [(1,)]

    def test_what_people_think(self, firm):
        flag, agent = make(firm), firm.client("agent")
        fresh(firm)
        for rating in (2, 5):
            said = agent.put(f"{FLAGS}/{flag['id']}/feedback", json={"rating": rating, "comment": "Hm."})
            assert said.status_code == 200, said.text
        [one] = firm.client().get(f"{FLAGS}/{flag['id']}/feedback").json()["data"]
        assert (one["rating"], one["comment"], one["variant"], one["full_name"]) == (
            5,
            "Hm.",
            "on",
            "Agent of A",
        )
        recorded = [after for _, _, after in firm.events(one["id"])]
        assert [after["rating"] for after in recorded] == [2, 5]
        assert "Hm." not in str(recorded)


class TestStale:
    @pytest.mark.parametrize(
        ("values", "is_used", "because"),
        [
            ({}, True, "on_for_all"),
            ({"is_enabled": False}, True, "off_for_all"),
            ({"percent": 50}, True, None),
            ({"percent": 50}, False, "unused"),
            ({"ends_at": "2026-01-01T00:00:00Z"}, True, "ended"),
            ({"stale_after_days": None}, False, None),
            ({"stale_after_days": 90}, False, None),
        ],
    )
    def test_why(self, firm, values, is_used, because):
        flag = make(firm, **values)
        aged(firm, flag["id"], days=60)
        if is_used:
            fresh(firm)
            given(firm.client(), flag["key"])
            settled(firm)
        firm.running.wait_for(note_stale(firm.running.app.state.worker_database))
        read = firm.client().get(f"{FLAGS}/{flag['id']}").json()["data"]
        assert read["stale_because"] == because
        assert (read["stale_since"] is None) == (because is None)
        names = [name for name, *_ in firm.events(flag["id"])]
        assert names == ["flag.created", *(["flag.became_stale"] if because else [])]

    def test_it_is_said_once_and_taken_back(self, firm):
        flag, owner = make(firm), firm.client()
        aged(firm, flag["id"], days=60)
        find = lambda: firm.running.wait_for(note_stale(firm.running.app.state.worker_database))  # noqa: E731
        find(), find()
        owner.patch(f"{FLAGS}/{flag['id']}", json={"percent": 99})
        find()
        names = [name for name, *_ in firm.events(flag["id"])]
        assert names == ["flag.created", "flag.became_stale", "flag.updated", "flag.no_longer_stale"]
        assert owner.get(f"{FLAGS}/{flag['id']}").json()["data"]["stale_since"] is None


def aged(firm: Firm, flag_id: str, *, days: int) -> None:
    """As if it had not been touched for so long."""
    firm.sql("alter table flags disable trigger stamp_change")
    firm.sql(f"update flags set updated_at = now() - interval '{days} days' where id = %s", flag_id)
    firm.sql("alter table flags enable trigger stamp_change")
