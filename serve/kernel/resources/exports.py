"""All rows of a list as one file: the same filters, search, order and fields, and no pages."""

# No postponed annotations: they name the models of one resource, which no type checker can follow.
# mypy: disable-error-code="valid-type, attr-defined, arg-type, call-overload"

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self, get_args

from fastapi import APIRouter, Depends, Header, Request, Response
from pydantic import BaseModel, Field, create_model

from serve.kernel.asking import Asking
from serve.kernel.caller import Caller
from serve.kernel.db import DatabaseUnavailable, TenantDb, Transaction
from serve.kernel.errors import NotAcceptable, problems
from serve.kernel.events import note_read
from serve.kernel.formats import best_of
from serve.kernel.resources.declaration import Resource
from serve.kernel.resources.files import MEDIA_TYPES, NAMES, ExportFormat
from serve.kernel.resources.files.columns import columns_of
from serve.kernel.resources.files.writers import TooLongForXlsx, Writer, writer_of
from serve.kernel.resources.listing import EXACT_UNTIL, Bindings, Order
from serve.kernel.resources.seen import for_caller
from serve.kernel.resources.streams import Streamed, TooManyExports
from serve.kernel.resources.words import reading
from serve.kernel.tasks import enqueue
from serve.kernel.tasks.answers import LATER, Prefer, started, wants_task

KIND = "resources.export"
"""The kind of task that writes an export into a file (serve/platform/tasks/exports.py)."""

PAGING = {"page", "per_page", "limit", "offset", "cursor", "count"}

FILES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file. It is broken off, without an end, when something fails in the middle.",
        "headers": {
            "Content-Disposition": {
                "description": "Its name, with the day.",
                "schema": {"type": "string"},
            },
            "X-Total-Count": {
                "description": f"How many rows there are, if not more than {EXACT_UNTIL:,}.",
                "schema": {"type": "integer"},
            },
        },
        "content": {
            kind.partition(";")[0]: {
                "schema": {"type": "string"} | ({"format": "binary"} if name in ("xlsx", "arrow") else {})
            }
            for name, kind in MEDIA_TYPES.items()
        },
    }
}


@dataclass(frozen=True, slots=True)
class Plan:
    """One export: its statement without the columns, and what that binds."""

    resource: Resource
    asked: Any
    kind: ExportFormat
    names: list[str]
    source: str
    values: list[Any]

    @classmethod
    def of(cls, resource: Resource, asked: Any, accept: str | None, caller: Caller) -> Self:
        """Raises Invalid or NotAcceptable."""
        kind = asked.format or best_of(accept, NAMES, kinds=MEDIA_TYPES.values())
        bind = Bindings()
        tenants = [str(each) for each in caller.tenant_ids]
        # One tenant is a value and not a list: then the index gives the order too.
        of_tenants = "$1::uuid" if len(tenants) == 1 else "any($1::uuid[])"
        source = f"from {resource.name} t where {resource.listing.where(asked, bind, tenants=of_tenants)}"
        values = [tenants[0] if len(tenants) == 1 else tenants, *for_caller(bind.values, caller)]
        return cls(resource, asked, kind, asked.fields or list(resource.columns), source, values)

    @property
    def sql(self) -> str:
        order = Order.of(self.asked.sort, self.resource.sortable)
        columns = ", ".join(f"t.{name}" for name in self.names)
        return f"select {columns} {self.source} order by {order.sql(self.resource.table)}"

    @property
    def file_name(self) -> str:
        return f"{self.resource.name}-{datetime.now(UTC).date().isoformat()}.{self.kind}"

    def writer(self) -> Writer:
        columns = columns_of(self.resource.read_model, self.names)
        return writer_of(self.kind, columns, bom=self.asked.bom)

    async def note(self, db: Transaction) -> None:
        """That rows with people in them are taken away."""
        if self.resource.personal:
            what = {"format": self.kind, "fields": self.names, "asked": sorted(self.asked.model_fields_set)}
            await note_read(db, f"{self.resource.entity}.exported", self.resource.entity, None, what)

    async def count(self, db: Transaction) -> int | None:
        """How many rows there are, where that is known cheaply."""
        found = await db.fetch_one(
            f"select count(*) as total from (select 1 {self.source} limit {EXACT_UNTIL + 1}) c", *self.values
        )
        assert found is not None
        return found["total"] if found["total"] <= EXACT_UNTIL else None


EXPORTED: dict[str, tuple[Resource, type[BaseModel]]] = {}
"""Resources that can be exported by name, with what may be asked of the export."""


def add_calls(router: APIRouter, resource: Resource) -> None:
    if "export" not in resource.calls:
        return
    asked_of_lists = {
        name: (info.annotation, info)
        for name, info in resource.query.model_fields.items()
        if name not in PAGING
    }
    Asked = create_model(
        f"{resource.query.__name__}Export",
        format=(
            Literal[get_args(ExportFormat)] | None,
            Field(None, description="Format of the file; else `Accept` decides, and CSV is the usual one."),
        ),
        bom=(bool, Field(False, description="Begin a CSV with a byte order mark, which Excel looks for.")),
        **asked_of_lists,
    )

    EXPORTED[resource.name] = (resource, Asked)

    @router.get(
        "/export",
        response_class=Response,
        dependencies=[reading(resource)],
        responses={
            **FILES,
            **LATER,
            **problems(NotAcceptable, TooLongForXlsx, TooManyExports, DatabaseUnavailable),
        },
        description=f"All {resource.name.replace('_', ' ')} that match, as a file.\n\n"
        "CSV is RFC 4180 in UTF-8: texts that a spreadsheet would run as a formula begin with an apostrophe, nested"
        " values are JSON.",
        name=f"{resource.name}.export",
    )
    async def export(
        asked: Annotated[Asked, Depends(Asking(Asked))],
        request: Request,
        db: TenantDb,
        # OpenAPI says what may be accepted by the content of the answer, never as a parameter.
        accept: Annotated[str | None, Header(include_in_schema=False)] = None,
        prefer: Prefer = None,
    ) -> Response:
        plan = Plan.of(resource, asked, accept, db.caller)
        Order.of(asked.sort, resource.sortable)
        count = await plan.count(db)
        if wants_task(prefer):
            params = {
                "resource": resource.name,
                "asked": asked.model_dump(mode="json", exclude_unset=True),
                "format": plan.kind,
            }
            title = f"Export of {resource.name.replace('_', ' ')}"
            task = await enqueue(db, KIND, params, title=title, total_count=count)
            assert task is not None
            return started(task)
        await plan.note(db)  # in a transaction done before the first row leaves: breaking off hides nothing
        return Streamed(
            request.app.state.exports,
            db.caller,
            request.state.request_id,
            plan.sql,
            plan.values,
            plan.writer,
            media_type=MEDIA_TYPES[plan.kind],
            headers={
                "Content-Disposition": f'attachment; filename="{plan.file_name}"',
                "Cache-Control": "private, no-store",
                "Vary": "Accept, Authorization, Cookie",
                **({} if count is None else {"X-Total-Count": str(count)}),
            },
        )
