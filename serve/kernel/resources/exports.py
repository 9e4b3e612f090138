"""All rows of a list as one file: the same filters, search, order and fields, and no pages."""

# No postponed annotations: they name the models of one resource, which no type checker can follow.
# mypy: disable-error-code="valid-type, attr-defined, arg-type, call-overload"

from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, Literal, get_args

from fastapi import APIRouter, Depends, Header, Request, Response
from pydantic import Field, create_model

from serve.kernel.asking import Asking
from serve.kernel.db import DatabaseUnavailable, TenantDb, Transaction
from serve.kernel.errors import NotAcceptable, problems
from serve.kernel.events import note_read
from serve.kernel.formats import best_of
from serve.kernel.resources.declaration import Resource
from serve.kernel.resources.files import MEDIA_TYPES, NAMES, ExportFormat
from serve.kernel.resources.files.columns import columns_of
from serve.kernel.resources.files.writers import TooLongForXlsx, writer_of
from serve.kernel.resources.listing import EXACT_UNTIL, Bindings, Order
from serve.kernel.resources.streams import Streamed, TooManyExports
from serve.kernel.resources.words import reading

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

    @router.get(
        "/export",
        response_class=Response,
        dependencies=[reading(resource)],
        responses={
            **FILES,
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
    ) -> Response:
        kind = asked.format or best_of(accept, NAMES, kinds=MEDIA_TYPES.values())
        names = asked.fields or list(resource.columns)
        order = Order.of(asked.sort, resource.sortable)
        bind = Bindings()
        tenants = [str(each) for each in db.caller.tenant_ids]
        # One tenant is a value and not a list: then the index gives the order too.
        of_tenants = "$1::uuid" if len(tenants) == 1 else "any($1::uuid[])"
        source = f"from {resource.name} t where {resource.listing.where(asked, bind, tenants=of_tenants)}"
        values = [tenants[0] if len(tenants) == 1 else tenants, *bind.values]
        count = await _count(db, source, values)
        if resource.personal:
            # In a transaction of its own, done before the first row leaves: breaking off hides nothing.
            what = {"format": kind, "fields": names, "asked": sorted(asked.model_fields_set)}
            await note_read(db, f"{resource.entity}.exported", resource.entity, None, what)
        today = datetime.now(UTC).date().isoformat()
        return Streamed(
            request.app.state.exports,
            db.caller,
            request.state.request_id,
            f"select {', '.join(f't.{name}' for name in names)} {source} order by {order.sql(resource.table)}",
            values,
            partial(writer_of, kind, columns_of(resource.read_model, names), bom=asked.bom),
            media_type=MEDIA_TYPES[kind],
            headers={
                "Content-Disposition": f'attachment; filename="{resource.name}-{today}.{kind}"',
                "Cache-Control": "private, no-store",
                "Vary": "Accept, Authorization, Cookie",
                **({} if count is None else {"X-Total-Count": str(count)}),
            },
        )


async def _count(db: Transaction, source: str, values: list[Any]) -> int | None:
    """How many rows there are, where that is known cheaply."""
    found = await db.fetch_one(
        f"select count(*) as total from (select 1 {source} limit {EXACT_UNTIL + 1}) c", *values
    )
    assert found is not None
    return found["total"] if found["total"] <= EXACT_UNTIL else None
