"""What a ledger, the rows and their events must have in common, whatever was killed meanwhile."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.rows import dict_row

from serve.kernel.vault import Vault
from tests.faults.crowd import MARKS
from tests.faults.ledger import Ledger, Write

ENTITIES = {"account": "accounts", "contact": "contacts", "vehicle": "vehicles"}
EVENTS = """
    select position, change_xid, name, entity_type, entity_id::text as entity_id, before, after, request_id
    from events where tenant_id = %s and category = 'change' and position > %s order by position
"""
ROWS = """
    select id::text as id, change_xid, {key} as person_key, to_jsonb(t) as content from {table} t where tenant_id = %s
"""
KEPT = """
    select count(*) as n, count(*) filter (where status is null) as empty from idempotency_keys where tenant_id = %s
"""


@dataclass
class Past:
    """One row as its events tell it."""

    values: dict[str, Any]
    change_xid: int = 0
    last: Write | None = None
    latest_sent_at: float = 0.0  # of the writes so far: whoever was answered before that cannot come later


@dataclass
class History:
    """Reads the events that are new, then compares everything. Every finding is an AssertionError."""

    ledger: Ledger
    vault: Vault
    rows: dict[str, dict[str, Past]] = field(default_factory=lambda: {table: {} for table in MARKS})
    effects: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    position: int = 0
    event_count: int = 0

    def check(self, connection: psycopg.Connection[Any]) -> None:
        tenant_id = self.ledger.tenant_id
        with connection.cursor(row_factory=dict_row) as cursor:
            stored = {
                table: {
                    row["id"]: row for row in cursor.execute(self._rows_of(table), [tenant_id]).fetchall()
                }
                for table in MARKS
            }
            for event in cursor.execute(EVENTS, [tenant_id, self.position]).fetchall():
                self._take(event, stored)
            total = cursor.execute(
                "select count(*) as n from events where tenant_id = %s and category = 'change'", [tenant_id]
            ).fetchone()
            kept = cursor.execute(KEPT, [tenant_id]).fetchone()
        assert total == {"n": self.event_count}, "an event of before is gone"
        self._effects_are_what_clients_were_told()
        self._rows_are_what_their_events_say(stored)
        self._each_key_belongs_to_a_write(kept)

    @staticmethod
    def _rows_of(table: str) -> str:
        return ROWS.format(table=table, key="null::bytea" if table == "vehicles" else "person_key")

    def _take(self, event: dict[str, Any], stored: dict[str, dict[str, Any]]) -> None:
        """One event is the next step of its row, and the doing of a write that was not refused."""
        self.position, self.event_count = event["position"], self.event_count + 1
        table, row_id = ENTITIES[event["entity_type"]], event["entity_id"]
        write = self.ledger.writes.get(event["request_id"])
        assert write is not None, f"nobody asked for {event}"
        assert event["name"] == f"{event['entity_type']}.{write.does}", (event, write)
        assert write.table == table, (event, write)
        assert write.entity_id in (None, row_id), (event, write)
        self.effects[write.id].append(row_id)
        row = stored[table].get(row_id)
        assert row is not None, f"the row of an event is gone: {event}"
        after = self.vault.open_values(row["person_key"], event["after"])
        if write.does == "created":
            assert row_id not in self.rows[table], f"created twice: {event}"
            past = self.rows[table][row_id] = Past(after)
        else:
            past = self.rows[table][row_id]
            before = self.vault.open_values(row["person_key"], event["before"])
            assert before == {name: past.values[name] for name in before}, ("no chain", event, past.values)
            past.values |= after
            assert event["change_xid"] >= past.change_xid, ("out of order", event, past)
            self._nothing_was_overwritten_unseen(write, past)
        assert write.status == 0 or write.answered_at >= past.latest_sent_at, ("later than sent", event)
        past.change_xid, past.last = event["change_xid"], write
        past.latest_sent_at = max(past.latest_sent_at, write.sent_at)
        if write.is_done and not write.path.endswith("/bulk"):
            self._answer_was_true(write, past)

    @staticmethod
    def _nothing_was_overwritten_unseen(write: Write, past: Past) -> None:
        """Who changed a version changed that very one."""
        if write.if_match is not None and past.last is not None and past.last.version is not None:
            if past.last.path.endswith("/bulk"):
                return
            assert int(write.if_match.strip('"'), 16) == past.last.version, ("lost update", write, past.last)

    @staticmethod
    def _answer_was_true(write: Write, past: Past) -> None:
        """The row in the answer is the row right after the event."""
        if write.does == "deleted":
            assert past.values["deleted_at"] is not None, write
            return
        for name in past.values.keys() & write.data.keys():
            if not name.endswith("_at"):  # the same moments are written in another way there
                assert write.data[name] == past.values[name], (name, write, past.values)

    def _effects_are_what_clients_were_told(self) -> None:
        for write in self.ledger.writes.values():
            found = self.effects.get(write.id, [])
            assert len(set(found)) == len(found), f"done twice: {write} {found}"
            if write.is_done:
                assert len(found) == write.row_count, f"acknowledged and not all there: {write} {found}"
                if write.does == "created":
                    assert set(found) == write.created_ids(), (write, found)
            elif write.is_open:
                assert write.key is None, f"no answer in the end: {write}"
                assert len(found) in (0, write.row_count), f"a part of it: {write} {found}"
            else:
                assert not found, f"refused and yet done: {write} {found}"

    def _rows_are_what_their_events_say(self, stored: dict[str, dict[str, Any]]) -> None:
        for table, rows in stored.items():
            assert rows.keys() == self.rows[table].keys(), f"{table}: rows without events, or events alone"
            for row_id, past in self.rows[table].items():
                row = rows[row_id]
                assert {name: row["content"][name] for name in past.values} == past.values, (row, past)
                version = past.last.version if past.last and not past.last.path.endswith("/bulk") else None
                assert version in (None, row["change_xid"]), ("a version that no event tells of", row, past)
                assert row["change_xid"] <= past.change_xid, ("an edit without its event", row, past)

    def _each_key_belongs_to_a_write(self, kept: dict[str, Any] | None) -> None:
        done = sum(write.key is not None and write.is_done for write in self.ledger.writes.values())
        assert kept == {"n": done, "empty": 0}
