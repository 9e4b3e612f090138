"""A resource whose rows can be put together: who asks for one that was merged is told where it went."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from serve.crm.people.errors import IsMerged, NamedTwice
from serve.crm.people.schemas import MergeAsked
from serve.kernel.db import Reads, Record, Transaction, guarded
from serve.kernel.errors import NotFound
from serve.kernel.idempotency import Shown
from serve.kernel.resources import Resource, Row

_WENT = (
    "select m.id, m.survivor_id from merges m where m.entity_type = {type} and m.merged_id = {id}"
    " and m.undone_at is null and m.deleted_at is null"
)
_WENT_BESIDE = guarded(_WENT.format(type="$2", id="$3") + " and g.tenants is not null")
_WENT_WITHIN = _WENT.format(type="$1", id="$2")


class Mergeable(Resource):
    """A merged row is deleted, and cannot be restored but by undoing the merge."""

    async def show(self, db: Reads, row_id: UUID) -> Shown:
        try:
            return await super().show(db, row_id)
        except NotFound as absent:
            raise self._said_where(absent, await db.fetch(_WENT_BESIDE, self.entity, row_id)) from None

    async def get(self, db: Transaction, row_id: UUID, *, lock: bool = False, deleted: bool = False) -> Row:
        try:
            return await super().get(db, row_id, lock=lock, deleted=deleted)
        except NotFound as absent:
            raise self._said_where(absent, await db.fetch(_WENT_WITHIN, self.entity, row_id)) from None

    async def find(self, db: Transaction, external_id: str, *, lock: bool = False) -> Row | None:
        """The row with the client's own id, or the one into which that was merged."""
        row = await super().find(db, external_id, lock=lock)
        return row if row is None or not row.is_deleted else await self._survivor(db, row, lock=lock)

    async def find_many(self, db: Transaction, external_ids: Iterable[str]) -> dict[str, Row]:
        """Raises NamedTwice where two of the ids lead to one row by now."""
        rows = await super().find_many(db, external_ids)
        for external_id, row in rows.items():
            if row.is_deleted:
                rows[external_id] = await self._survivor(db, row, lock=True)
        if len({row["id"] for row in rows.values()}) < len(rows):
            raise NamedTwice
        return rows

    async def _survivor(self, db: Transaction, gone: Row, *, lock: bool) -> Row:
        """What a deleted row is part of, known by the deleted one's own id; that itself where it is part of nothing."""
        row_id = None
        while found := await db.fetch(_WENT_WITHIN, self.entity, row_id or gone["id"]):
            row_id = found[0]["survivor_id"]
        try:
            row = await super().get(db, UUID(row_id or gone["id"]), lock=lock)
        except NotFound:
            return gone
        # So it is no change of its own id, which it keeps.
        row["external_id"] = row.external_id = gone.external_id
        return row

    async def restore(self, db: Transaction, row_id: UUID) -> Row:
        """Raises NotFound, or IsMerged saying into what."""
        if found := await db.fetch(_WENT_WITHIN, self.entity, row_id):
            raise IsMerged(details=_where(found[0]))
        return await super().restore(db, row_id)

    async def before_merge(self, db: Transaction) -> None:
        """What is done before either row is locked, to merge or to undo that."""

    async def make_way(
        self, db: Transaction, survivor: Row, merged: Row, asked: MergeAsked
    ) -> tuple[Row, Mapping[str, Any]]:
        """(the survivor, the values that it may take), before what refers to the merged row is moved."""
        return survivor, merged

    def _said_where(self, absent: NotFound, found: list[Record]) -> NotFound:
        if not found:
            return absent
        address = f"{self.path}/{found[0]['survivor_id']}"
        return self.NotFound(
            f"The {self.entity} was merged into another one.",
            details=_where(found[0]),
            headers={"Link": f'<{address}>; rel="successor-version"'},
        )


def _where(found: Any) -> list[tuple[str, str]]:
    return [("merged_into_id", str(found["survivor_id"])), ("merge_id", str(found["id"]))]
