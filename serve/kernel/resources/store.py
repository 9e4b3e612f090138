"""Rows of a resource's table: read, written, listed. What services call, and what the generated endpoints are made of.

Every statement is put together here from the table's own columns; values are always bound. No statement names a tenant:
the database's policies do.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import DateTime, Table

from serve.kernel.caller import Caller
from serve.kernel.db import Reads, Record, Transaction, guarded
from serve.kernel.errors import NotFound
from serve.kernel.idempotency import Shown
from serve.kernel.ids import uuid7
from serve.kernel.resources.errors import LostUpdate, absent
from serve.kernel.resources.many import Many, Parts, Sealed, as_setting
from serve.kernel.resources.seen import Seen
from serve.kernel.vault import Vault

Rule = Callable[["Mapping[str, Any] | None", Mapping[str, Any]], "Mapping[str, Any] | None"]
"""What the business allows: (row before or None, all values after). Raises a Problem.

It may give what follows: columns that are written along. ``NOW`` stands for the moment, because a rule has no clock.
"""


class _Now:
    def __repr__(self) -> str:
        return "NOW"


NOW: Final = _Now()

# RETURNING is evaluated before the trigger writes the event: so these reach it in the same round trip.
_EVENT = ", set_config('app.event', {}, true) as _event"
_SEALED = ", set_config('app.sealed', {}, true) as _sealed"
_MOMENT = 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'  # connections are in UTC


class Row(dict[str, Any]):
    """A row as it is read; ``version`` changes with every edit."""

    __slots__ = ("external_id", "is_deleted", "person_key", "version")

    def __init__(self, record: Record) -> None:
        super().__init__(record)
        self.external_id: str = self.pop("_external_id", "")  # of one that was found by it
        self.is_deleted: bool = self.pop("_is_deleted", False)
        self.version = format(self.pop("_version"), "x")
        self.person_key: bytes | None = self.pop("_person_key", None)
        self.pop("_event", None)
        self.pop("_sealed", None)

    @property
    def etag(self) -> str:
        return f'"{self.version}"'


class Store:
    """One table. ``columns`` are what is read, ``writable`` what clients give, ``seen`` which rows a caller sees."""

    def __init__(
        self,
        table: Table,
        columns: Collection[str],
        writable: Collection[str],
        *,
        seen: Seen | None = None,
    ) -> None:
        self.table, self.name, self.seen = table, table.name, seen
        self.entity: str = table.info["entity"]
        self.personal: tuple[str, ...] = table.info["personal"]
        self.columns, self.writable = tuple(columns), frozenset(writable)
        self.NotFound: type[NotFound] = absent(self.entity)
        key = ", t.person_key as _person_key" if self.personal else ""
        self.selected = (
            ", ".join(f"t.{column}" for column in self.columns) + f", t.change_xid as _version{key}"
        )
        self._get = (
            f"select {self.selected} from {self.name} t where t.id = $1 and t.deleted_at is null"
            f"{self.and_seen(2)}"
        )
        self._find = (
            f"select {self.selected}, t.external_id as _external_id, t.deleted_at is not null as _is_deleted"
            f" from {self.name} t where t.external_id = $1"
            " and t.tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid"
        )
        self._show = guarded(
            f"select {self.selected} from {self.name} t"
            f" where t.id = $2 and t.deleted_at is null and g.tenants is not null{self.and_seen(3)}",
            select=f"{self.as_json(self.columns, 'q')} as data, q._version",
        )
        self._names = tuple(table.columns.keys())
        self.references = tuple(
            (key.column_keys[-1], key.elements[-1].target_fullname.partition(".")[0])
            for key in table.foreign_key_constraints
            if key.column_keys[0] == "tenant_id" and len(key.column_keys) == 2
        )
        self._inserts: dict[tuple[str, ...], str] = {}
        self._updates: dict[tuple[str, ...], str] = {}
        self.many = Many(table)

    # Reading

    def and_seen(self, first: int) -> str:
        """SQL for which rows the caller sees; its values (``seen_by``) are bound from the place ``first`` on."""
        if self.seen is None:
            return ""
        places = (f"${first + number}" for number in range(self.seen.count))
        return f" and {self.seen.sql.format(*places)}"

    def seen_by(self, caller: Caller) -> tuple[Any, ...]:
        return self.seen.values(caller) if self.seen is not None else ()

    def as_json(self, columns: Iterable[str], row: str) -> str:
        """SQL for these columns of ``row`` as JSON of ours: moments are in UTC and end in Z."""
        shown = [
            f"to_char({row}.{name}, '{_MOMENT}') as {name}" if self._is_moment(name) else f"{row}.{name}"
            for name in columns
        ]
        return f"(select row_to_json(z) from (select {', '.join(shown)}) z)"

    def _is_moment(self, name: str) -> bool:
        return isinstance(self.table.columns[name].type, DateTime)

    async def show(self, db: Reads, row_id: UUID) -> Shown:
        """One guarded statement. Raises NotFound."""
        records = await db.fetch(self._show, row_id, *self.seen_by(db.caller))
        if not records:
            raise self.NotFound
        return Shown(records[0]["data"], records[0]["_version"])

    async def get(self, db: Transaction, row_id: UUID, *, lock: bool = False, deleted: bool = False) -> Row:
        """Inside a transaction; ``lock`` keeps others from changing it, ``deleted`` looks among the deleted ones.

        Raises NotFound.
        """
        sql = self._get.replace("deleted_at is null", "deleted_at is not null") if deleted else self._get
        if lock:  # the caller's own tenant: children of an umbrella can be read, not changed
            sql += " and t.tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid"
            sql += " for no key update of t"  # rows that begin to refer to it need not wait
        record = await db.fetch_one(sql, row_id, *self.seen_by(db.caller))
        if record is None:
            raise self.NotFound
        return Row(record)

    async def find(self, db: Transaction, external_id: str, *, lock: bool = False) -> Row | None:
        """The row with the client's own id; deleted ones too, because they keep it."""
        record = await db.fetch_one(self._find + (" for update of t" if lock else ""), external_id)
        return None if record is None else Row(record)

    async def find_many(self, db: Transaction, external_ids: Iterable[str]) -> dict[str, Row]:
        """The rows with these ids, locked; deleted ones too."""
        sql = self._find.replace("= $1", "= any($1::text[])") + " order by t.external_id for update of t"
        rows = [Row(record) for record in await db.fetch(sql, list(external_ids), afresh=True)]
        return {row.external_id: row for row in rows}

    async def known(self, db: Transaction, table: str, column: str, values: Collection[str]) -> set[str]:
        """Which of these the column has, among the caller's own rows.

        Planned afresh: a plan that was made while the table was empty reads all of it, until it is analyzed.
        """
        kind = "uuid" if column == "id" else "text"
        sql = (
            f"select t.{column} as value from {table} t where t.{column} = any($1::{kind}[])"
            " and t.tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid"
        )
        return {record["value"] for record in await db.fetch(sql, list(values), afresh=True)}

    # Writing; the database records the event

    @property
    def does_more(self) -> bool:
        """Whether writing a row of this one is more than a statement: then many are written one by one."""
        own = type(self)
        return own.insert is not Store.insert or own.update is not Store.update

    async def insert(
        self, db: Transaction, values: Mapping[str, Any], *, row_id: UUID | None = None, event: str = ""
    ) -> Row:
        """A new row of the caller's tenant; ``event`` if it is more than ``created``."""
        sql, bound = self._insertion(db, row_id or uuid7(), values, event)
        record = await db.fetch_one(sql, *bound)
        assert record is not None
        return Row(record)

    async def update(
        self, db: Transaction, before: Row, changes: Mapping[str, Any], *, event: str = ""
    ) -> Row:
        """The row with these changes; untouched, and no event, when nothing differs.

        ``event`` is what happened, if it is more than ``updated``: ``campaign.started``.
        """
        changed = self.differing(before, changes)
        if not changed:
            return before
        sql, bound = self._change(db, before, changed, event)
        record = await db.fetch_one(sql, *bound)
        if record is None:
            raise self.NotFound
        return Row(record)

    async def insert_many(self, db: Transaction, rows: Sequence[Mapping[str, Any]]) -> list[UUID]:
        """New rows of the caller's tenant, each with its event; their ids. All of them, or what the server refuses."""
        ids, parts = [], Parts()
        for values in rows:
            row_id = uuid7()
            own: dict[str, Any] = {"id": row_id}
            if self.personal:
                own["person_key"] = db.vault.new_person_key()
                parts.sealed |= self.sealed(db.vault, own["person_key"], row_id, after=values)
            ids.append(row_id)
            parts.add(self.names_of({**values, **own}), {**values, **own})
        for sql, bound in self.many.insertions(parts, db.caller.tenant_id):
            await db.execute(sql, *bound)
        return ids

    async def update_many(self, db: Transaction, rows: Sequence[tuple[Row, Mapping[str, Any]]]) -> None:
        """Rows that are locked and there, each with values that differ (``differing``)."""
        parts = Parts()
        for before, changed in rows:
            row = {**changed, "id": before["id"]}
            if self.personal:
                row["person_key"] = key = before.person_key or db.vault.new_person_key()
                parts.sealed |= self.sealed(db.vault, key, before["id"], before=before, after=changed)
            parts.add(self.names_of(row), row)
        for sql, bound in self.many.changes(parts):
            await db.fetch(sql, *bound, afresh=True)

    def differing(self, before: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
        """Of the changes, those that are some."""
        return {name: value for name, value in changes.items() if not self._same(before.get(name), value)}

    async def delete(self, db: Transaction, row_id: UUID) -> Mapping[str, Any]:
        """Softly: it is out of every list and can be restored. Gives ``id`` and ``deleted_at``. Raises NotFound."""
        gone = await self._mark(db, row_id, "deleted_at = now()", "deleted_at is null", "t.id, t.deleted_at")
        return {"id": gone["id"], "deleted_at": gone["deleted_at"]}

    async def restore(self, db: Transaction, row_id: UUID) -> Row:
        """Raises NotFound when it is not among the deleted."""
        return Row(await self._mark(db, row_id, "deleted_at = null", "deleted_at is not null", self.selected))

    async def _mark(self, db: Transaction, row_id: UUID, change: str, where: str, returning: str) -> Record:
        record = await db.fetch_one(
            f"update {self.name} t set {change} where t.id = $2 and t.{where}{self.and_seen(3)}"
            f" returning {returning}{_EVENT.format('$1')}",
            *("", row_id, *self.seen_by(db.caller)),
        )
        if record is None:
            raise self.NotFound
        return record

    def _insertion(
        self, db: Transaction, row_id: UUID, values: Mapping[str, Any], event: str
    ) -> tuple[str, list[Any]]:
        """The statement that makes a row, and its values."""
        names = self.names_of(values)
        bound = [event, row_id, db.caller.tenant_id, *(values[name] for name in names)]
        if self.personal:
            person_key = db.vault.new_person_key()
            bound += [person_key, as_setting(self.sealed(db.vault, person_key, row_id, after=values))]
        sql = self._inserts.get(names)
        if sql is None:
            sql = self._inserts[names] = self._insert_sql(names)
        return sql, bound

    def _change(
        self, db: Transaction, before: Row, changed: Mapping[str, Any], event: str
    ) -> tuple[str, list[Any]]:
        """The statement that changes a row, and its values."""
        names = self.names_of(changed)
        bound = [event, before["id"], *(changed[name] for name in names)]
        if self.personal:
            key = before.person_key or db.vault.new_person_key()
            sealed = self.sealed(db.vault, key, before["id"], before=before, after=changed)
            bound += [key, as_setting(sealed)]
        sql = self._updates.get(names)
        if sql is None:
            sql = self._updates[names] = self._update_sql(names)
        return sql, bound

    def _insert_sql(self, names: tuple[str, ...]) -> str:
        columns = ["id", "tenant_id", *names, *(["person_key"] if self.personal else [])]
        places = ", ".join(f"${n}" for n in range(2, len(columns) + 2))
        sealed = _SEALED.format(f"${len(columns) + 2}") if self.personal else ""
        return (
            f"insert into {self.name} as t ({', '.join(columns)}) values ({places})"
            f" returning {self.selected}{_EVENT.format('$1')}{sealed}"
        )

    def _update_sql(self, names: tuple[str, ...]) -> str:
        columns = [*names, *(["person_key"] if self.personal else [])]
        sets = ", ".join(f"{column} = ${n}" for n, column in enumerate(columns, 3))
        sealed = _SEALED.format(f"${len(columns) + 3}") if self.personal else ""
        return (
            f"update {self.name} t set {sets} where t.id = $2 and t.deleted_at is null"
            f" returning {self.selected}{_EVENT.format('$1')}{sealed}"
        )

    def names_of(self, values: Mapping[str, Any]) -> tuple[str, ...]:
        """The columns that have a value, in the table's order: few different statements are made."""
        return tuple(name for name in self._names if name in values)

    def sealed(
        self,
        vault: Vault,
        key: bytes,
        row_id: UUID,
        *,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any],
    ) -> Sealed:
        """The personal values of an event, by row."""
        names = [name for name in self.personal if name in after]
        new = vault.seal_values(key, {name: after[name] for name in names})
        old = vault.seal_values(key, {name: before.get(name) for name in names}) if before else {}
        return {str(row_id): {"before": old, "after": new}}

    @staticmethod
    def _same(before: Any, after: Any) -> bool:
        return bool(before == after) or (isinstance(after, UUID) and before == str(after))


def check_version(if_match: str | None, row: Row) -> None:
    """Raises LostUpdate when the client has read another version than ``row``. Without the header anything goes."""
    if if_match is None or if_match.strip() == "*":
        return
    if row.etag not in [word.strip().removeprefix("W/") for word in if_match.split(",")]:
        raise LostUpdate(headers={"ETag": row.etag})
