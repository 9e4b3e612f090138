"""The declaration of a resource. What it derives stands here in one place; each call stands in ``endpoints.py``.

A domain declares it, adds its router to the application, and writes only what is its own: further routes on the same
router, and services that call ``get``, ``insert``, ``update`` and ``delete`` and so leave events like every other edit.
"""

# No postponed annotations: FastAPI reads those of the endpoints, whose models are made here.

from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import Table
from sqlalchemy.dialects.postgresql import ARRAY

from serve.kernel.db import DatabaseUnavailable, Reads, Transaction
from serve.kernel.envelope import Input, Output, Success
from serve.kernel.errors import Problem, problems
from serve.kernel.idempotency import KeyOfAnotherRequest, StillRunning
from serve.kernel.quick import QuickRoute
from serve.kernel.resources.conditions import kinds_of
from serve.kernel.resources.filters import ListQuery, filters_of, query_model
from serve.kernel.resources.listing import Listing
from serve.kernel.resources.schemas import RowMeta, part_of, patch_of, read_of
from serve.kernel.resources.seen import Seen
from serve.kernel.resources.store import NOW, Row, Rule, Store
from serve.kernel.routing import area_router

CALLS = (
    *("list", "get", "create", "replace", "patch", "delete", "restore", "history", "stats"),
    *("bulk_create", "bulk_update", "bulk_delete", "export", "import"),
)
"""Every call that a resource can have, in the order in which they are documented."""

DECLARED: list["Resource"] = []
"""All of them, once the modules that declare some are imported."""

Beside = Callable[[Reads, Mapping[str, Any], str], Awaitable[dict[str, Any]]]
"""What is said beside a new row, in ``meta``: (database, what was written, the row's id)."""


class Resource(Store):
    """``contacts = Resource(table, fields=ContactFields)`` serves ``/api/v1/contacts``.

    Parameters
    ----------
    table : made by ``resource_table``; it says which columns are personal and searched.
    fields : what clients write.
    read : what clients read, if it is more than the fields and the stamps (``read_of`` makes a base for it).
    rule : refuses what the business does not allow; a plain function of the row before and all values after. It may
        give columns that follow from them.
    calls : which of ``CALLS`` it has.
    path : if it is not the table's name.
    permission : the word before ``:read`` and ``:write``, if it is not the table's name.
    changing : how changing and restoring can fail, beyond what every resource says.
    deleting : how deleting can fail, where ``delete`` does more.
    beside : what a create says beside the new row, as ``created_meta`` describes it. It refuses nothing.
    filters : the columns that rows are asked for by, if not all: where there may be a million rows, those that have an
        index (``asked_by`` and its neighbours in ``serve/kernel/schema.py``).
    sortable : the columns that rows are sorted by, if not all.
    seen : which rows a caller sees, if not all of their tenants'.
    """

    def __init__(
        self,
        table: Table,
        *,
        fields: type[Input],
        read: type[Output] | None = None,
        rule: Rule | None = None,
        calls: Collection[str] = CALLS,
        path: str | None = None,
        permission: str | None = None,
        changing: tuple[type[Problem], ...] = (),
        deleting: tuple[type[Problem], ...] = (),
        beside: Beside | None = None,
        created_meta: type[RowMeta] = RowMeta,
        filters: Collection[str] | None = None,
        sortable: Collection[str] | None = None,
        seen: Seen | None = None,
    ) -> None:
        name = "".join(part.title() for part in table.info["entity"].split("_"))
        self.fields, self.rule, self.calls = fields, rule, frozenset(calls)
        self.changing, self.deleting = changing, deleting
        self.beside, self.created_meta = beside, created_meta
        self.patch: type[Input] = patch_of(fields, f"{name}Patch")
        self.read_model: type[Output] = read or read_of(fields, f"{name}Read")
        self.part_model: type[Output] = part_of(self.read_model, f"{name}Part")
        columns = list(self.read_model.model_fields)
        super().__init__(table, columns, fields.model_fields, seen=seen)
        arrays = [each.name for each in table.columns if isinstance(each.type, ARRAY)]
        parameters, compiled = filters_of(self.read_model, columns if filters is None else filters, arrays)
        self.countable = tuple(
            name for name in columns if _is_orderable(table.columns[name].type.python_type)
        )
        self.sortable = tuple(sortable or self.countable)
        self.query: type[ListQuery] = query_model(
            f"{name}Query",
            parameters,
            sortable=self.sortable,
            fields=tuple(columns),
            searched=bool(table.info["search"]),
        )
        kinds = kinds_of(self.read_model, columns, arrays)
        self.listing = Listing(self, compiled, self.sortable, kinds)
        self.path = path or f"/api/v1/{table.name.replace('_', '-')}"
        word = permission or table.name
        self.reading, self.writing = f"{word}:read", f"{word}:write"
        DECLARED.append(self)

    def settled(self, before: Mapping[str, Any] | None, changes: Mapping[str, Any]) -> dict[str, Any]:
        """The changes with what the rule says follows from them. Raises what it says against them."""
        follows = self.rule(before, {**(before or {}), **changes}) if self.rule is not None else None
        now = datetime.now(UTC)
        return {
            name: now if value is NOW else value for name, value in {**changes, **(follows or {})}.items()
        }

    async def change(self, db: Transaction, before: Row, *, event: str = "", **changes: Any) -> Row:
        """For actions: what the rule allows is written, and the event says what happened. Raises what the rule says."""
        return await self.update(db, before, self.settled(before, changes), event=event)

    def action(self, router: APIRouter, name: str, *kinds: type[Problem]) -> Any:
        """Decorates ``POST /{id}/name``, which answers the row after it; ``kinds`` are failures of its own."""
        from serve.kernel.resources.words import writing

        return router.post(
            f"/{{id}}/{name}",
            response_model=Success[self.read_model, RowMeta],  # type: ignore[name-defined]
            dependencies=[writing(self)],
            responses=problems(self.NotFound, DatabaseUnavailable, StillRunning, KeyOfAnotherRequest, *kinds),
            name=f"{self.name}.{name}",
        )

    def router(self, *, tags: list[str] | None = None) -> APIRouter:
        """The calls as routes; add your own to it. Paths of words outrank those with an id."""
        from serve.kernel.resources.endpoints import add_calls

        router = area_router(
            prefix=self.path, tags=tags or [self.name.replace("_", " ")], route_class=QuickRoute
        )
        add_calls(router, self)
        return router


def _is_orderable(kind: type) -> bool:
    return kind is not object  # JSON


def values_of(model: BaseModel, *, sent_only: bool) -> dict[str, Any]:
    """The body as columns; ``sent_only`` leaves out what the client did not mention."""
    return model.model_dump(exclude_unset=sent_only)
