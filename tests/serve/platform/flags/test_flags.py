"""Flags over HTTP and within the service: what is changed is what people get, soon and everywhere."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from serve.app import create_app
from serve.kernel.db import Database, DatabaseUnavailable
from serve.kernel.permissions import ROLES
from serve.platform.flags.copies import Copies
from serve.platform.flags.sightings import Sightings
from tests.serve.conftest import Running
from tests.serve.firm import Firm
from tests.serve.platform.flags.flagging import FLAGS, caller_of, fresh, given, make

WITHIN_S = 2.0


@pytest.fixture(scope="module")
def other(firm: Firm) -> Iterator[Running]:
    """A second process of the service, as far as its memory goes."""
    running = Running(create_app(firm.running.app.state.settings)).start()
    yield running
    running.stop()


def asks(**condition) -> dict:
    """A flag with one rule that asks for something wrong."""
    return {"rules": [{"conditions": [{"attribute": "role", **condition}]}]}


class TestEffect:
    def test_a_change_is_seen_by_another_process_within_two_seconds(self, firm, other):
        flag = make(firm, is_enabled=False)
        token = {"Authorization": firm.client().headers["authorization"]}
        there, here, worst_s = other.client(**token), firm.client(), 0.0
        while given(there, flag["key"]) is None:
            time.sleep(0.02)
        for is_enabled in (True, False) * 3:
            body = {name: flag[name] for name in ("key", "name")} | {"is_enabled": is_enabled}
            assert here.put(f"{FLAGS}/{flag['id']}", json=body).status_code == 200
            changed_at = time.monotonic()
            while given(there, flag["key"])["value"] is not is_enabled:
                assert time.monotonic() - changed_at < WITHIN_S
                time.sleep(0.01)
            worst_s = max(worst_s, time.monotonic() - changed_at)
            assert time.monotonic() - changed_at < WITHIN_S
        print(f"seen after {worst_s:.2f} s at most")

    def test_within_the_service(self, firm):
        flag = make(
            firm, rules=[{"conditions": [{"attribute": "role", "values": ["agent"]}], "variant": "off"}]
        )
        fresh(firm)
        flags = firm.running.app.state.flags
        ask = lambda role, key: firm.running.wait_for(flags.enabled(caller_of(firm, role), key))  # noqa: E731
        assert ask("owner", flag["key"]) is True
        assert ask("agent", flag["key"]) is False
        assert ask("owner", "no-such-flag") is False

    def test_rules_percentages_segments_and_what_the_platform_knows(self, firm):
        owner, viewer = firm.client(), firm.client("viewer")
        segment = {
            "key": "office",
            "name": "Office",
            "conditions": [{"attribute": "role", "values": ["owner"]}],
        }
        assert owner.post("/api/v1/flag-segments", json=segment).status_code == 201
        flag = make(
            firm,
            kind="variants",
            variants=[{"name": "plain"}, {"name": "blue", "value": {"colour": "#00f"}}],
            default_variant="plain",
            percent=0,
            rules=[
                {"conditions": [{"attribute": "segment", "values": ["office"]}], "variant": "blue"},
                {"conditions": [{"attribute": "colour", "values": ["blue"]}], "variant": "blue"},
                {"conditions": [{"attribute": "country", "values": ["FR"]}], "variant": "blue"},
            ],
        )
        fresh(firm)
        assert given(owner, flag["key"]) == {
            "key": flag["key"],
            "value": {"colour": "#00f"},
            "variant": "blue",
            "reason": "rule",
            "rule": 0,
            "experiment_id": None,
        }
        assert given(viewer, flag["key"])["value"] == "plain"
        assert given(viewer, flag["key"], attributes={"colour": "blue"})["rule"] == 1
        claimed = {"country": "FR", "role": "owner", "segment": "office"}
        assert given(viewer, flag["key"], attributes=claimed)["reason"] == "outside_rollout"
        elsewhere = {"subject": "customer-1", "attributes": {"country": "FR"}}
        assert given(viewer, flag["key"], context=elsewhere)["rule"] == 2
        refused = firm.client("agent").post(f"{FLAGS}/evaluate", json={"context": elsewhere})
        assert refused.status_code == 403

    def test_all_of_them_and_only_ones_own(self, firm):
        mine, theirs = make(firm), make(firm, firm.b)
        make(firm, firm.b, key=mine["key"], is_enabled=False)
        make(firm, firm.a, key=theirs["key"], is_enabled=False)
        fresh(firm)
        for tenant, on, off in ((firm.a, mine, theirs), (firm.b, theirs, mine)):
            answer = firm.client("technician", tenant).post(f"{FLAGS}/evaluate", json={})
            values = {each["key"]: each["value"] for each in answer.json()["data"]}
            assert (values[on["key"]], values[off["key"]]) == (True, False)
        assert given(firm.client("owner", firm.umbrella), mine["key"]) is None

    def test_archived_deleted_and_restored(self, firm):
        flag, owner = make(firm), firm.client()
        for call, reason in (("archive", "archived"), ("archive", "archived"), ("unarchive", "rollout")):
            assert owner.post(f"{FLAGS}/{flag['id']}/{call}").status_code == 200
            fresh(firm)
            assert given(owner, flag["key"])["reason"] == reason
            if reason == "archived":
                assert owner.patch(f"{FLAGS}/{flag['id']}", json={"percent": 1}).status_code == 409
        owner.delete(f"{FLAGS}/{flag['id']}")
        fresh(firm)
        assert given(owner, flag["key"]) is None
        owner.post(f"{FLAGS}/{flag['id']}/restore")
        fresh(firm)
        assert given(owner, flag["key"])["value"] is True
        names = [name for name, *_ in firm.events(flag["id"])]
        assert names == ["flag.created", "flag.archived", "flag.unarchived", "flag.deleted", "flag.restored"]


class TestWriting:
    def test_every_change_is_in_the_history_with_what_it_was_before(self, firm):
        flag = make(firm)
        firm.client("manager").patch(f"{FLAGS}/{flag['id']}", json={"rules": [{"percent": 5}]})
        [newest, _] = firm.client().get(f"{FLAGS}/{flag['id']}/history").json()["data"]
        rule = {"name": None, "conditions": [], "percent": 5.0, "variant": None}
        assert (newest["before"], newest["after"]) == ({"rules": []}, {"rules": [rule]})
        assert newest["actor_name"] == "Manager of A"

    def test_what_is_left_out_within_a_part_is_stored_as_its_default(self, firm):
        flag, owner = make(firm), firm.client()
        steps = [{"at": "2026-01-01T00:00:00+01:00", "percent": 5}]
        answer = owner.patch(f"{FLAGS}/{flag['id']}", json={"steps": steps})
        assert answer.json()["data"]["steps"] == [{"at": "2025-12-31T23:00:00Z", "percent": 5.0}]
        again = owner.patch(f"{FLAGS}/{flag['id']}", json={"steps": steps})
        assert again.headers["etag"] == answer.headers["etag"]  # the same moment is no change

    @pytest.mark.parametrize(
        ("values", "field"),
        [
            ({"key": "Not A Key"}, "key"),
            ({"percent": 101}, "percent"),
            ({"rules": [{"variant": "blue"}]}, "rules[0].variant"),
            (asks(operator="at_least", values=["x"]), "rules[0].conditions[0]"),
            (asks(operator="resembles"), "rules[0].conditions[0].operator"),
            ({"steps": [{"at": 5, "percent": 1}]}, "steps[0].at"),
            ({"starts_at": "0001-01-01T00:00:00+14:00"}, "starts_at"),
            ({"variants": [{"name": "a", "value": "x" * 20_000}]}, "variants[0].value"),
        ],
    )
    def test_what_is_wrong_is_named(self, firm, values, field):
        body = {"key": "wrong", "name": "Wrong", **values}
        answer = firm.client().post(FLAGS, json=body)
        assert answer.status_code == 422, answer.text
        assert field in {each["field"] for each in answer.json()["error"]["details"]}
        assert firm.sql("select 1 from flags where key = 'wrong'") == []

    def test_a_key_is_taken_once_in_a_tenant(self, firm):
        flag = make(firm)
        again = firm.client().post(FLAGS, json={"key": flag["key"], "name": "Again"})
        assert again.status_code == 409
        assert again.json()["error"]["details"][0]["field"] == "key"


class TestPreview:
    def test_who_gets_what_before_it_is_saved(self, firm):
        flag, owner = make(firm, percent=0), firm.client("viewer")
        fresh(firm)
        changes = {"rules": [{"conditions": [{"attribute": "role", "values": ["agent"]}]}]}
        found = owner.post(f"{FLAGS}/{flag['id']}/preview", json={"changes": changes}).json()["data"]
        assert (found["member_count"], found["changed_count"]) == (len(ROLES), 1)
        counts = {each["variant"]: (each["now_count"], each["then_count"]) for each in found["variants"]}
        assert counts == {"on": (0, 1), "off": (len(ROLES), len(ROLES) - 1)}
        assert found["members"][0]["role"] == "agent"
        assert (found["members"][0]["now"]["value"], found["members"][0]["then"]["value"]) == (False, True)
        assert firm.sql("select rules from flags where id = %s", flag["id"]) == [([],)]

    def test_a_later_moment(self, firm):
        soon = datetime.now(UTC) + timedelta(days=1)
        flag = make(firm, starts_at=soon.isoformat())
        fresh(firm)
        asked = {"changes": {}, "at": (soon + timedelta(hours=1)).isoformat()}
        found = firm.client().post(f"{FLAGS}/{flag['id']}/preview", json=asked).json()["data"]
        assert found["changed_count"] == len(ROLES)

    def test_changes_that_could_not_be_saved(self, firm):
        flag = make(firm)
        asked = {"changes": {"default_variant": "blue"}}
        answer = firm.client().post(f"{FLAGS}/{flag['id']}/preview", json=asked)
        assert answer.json()["error"]["code"] == "FLAG_INVALID"


class TestCopies:
    def test_nothing_is_read_again_while_nothing_changes(self, firm):
        reads = []

        class Counted(Copies):
            async def _read(self, caller):
                reads.append(caller.tenant_id)
                return await super()._read(caller)

        copies = Counted(firm.running.app.state.database, fresh_s=0.0)
        look = lambda: firm.running.wait_for(copies.of(caller_of(firm)))  # noqa: E731
        make(firm)
        look(), look()
        assert len(reads) == 1
        make(firm, firm.b)  # a stranger's
        look()
        assert len(reads) == 1
        flag = make(firm)
        assert flag["key"] in look().flags
        firm.client().delete(f"{FLAGS}/{flag['id']}")
        assert flag["key"] not in look().flags

    def test_many_at_once_look_once(self, firm):
        copies = Copies(firm.running.app.state.database)
        asked = []
        look = copies._look

        async def counted(copy, caller):
            asked.append(1)
            await look(copy, caller)

        copies._look = counted

        async def many():
            await asyncio.gather(*(copies.of(caller_of(firm)) for _ in range(50)))

        firm.running.wait_for(many())
        assert len(asked) == 1

    async def test_without_a_database_the_last_copy_goes_on(self, firm):
        flag, address = make(firm), [firm.address.url("api")]
        database = Database(lambda: address[0], size=1)
        copies = Copies(database, fresh_s=0.0)
        assert flag["key"] in (await copies.of(caller_of(firm))).flags
        await database.close()
        address[0] = "postgresql://localhost:1/none"
        assert flag["key"] in (await copies.of(caller_of(firm))).flags
        with pytest.raises(DatabaseUnavailable):
            await copies.of(replace(caller_of(firm), tenant_id=firm.b))

    async def test_what_could_not_be_noted_waits(self, firm):
        flag = make(firm)
        copies = Copies(firm.running.app.state.database)
        tenant = firm.running.wait_for(copies.of(caller_of(firm)))
        verdict = firm.running.wait_for(firm.running.app.state.flags.verdict(caller_of(firm), flag["key"]))
        sightings = Sightings(most_waiting=2)
        for _ in range(3):
            sightings.note(caller_of(firm), tenant.flags[flag["key"]], verdict, subject="s")
        assert sightings.dropped_count == 1
        with pytest.raises(DatabaseUnavailable):
            await sightings.write(Database(lambda: "postgresql://localhost:1/none", size=1))
        worker = Database(lambda: firm.address.url("worker"), size=1)
        await sightings.write(worker)
        await worker.close()
        assert firm.sql("select subject from flag_exposures where flag_id = %s and subject = 's'", flag["id"])
