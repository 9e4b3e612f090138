"""How many rows there are, and by what they differ: under the same filters as the list."""

# No postponed annotations: they name the models of one resource, which no type checker can follow.
# mypy: disable-error-code="valid-type, attr-defined, arg-type, call-overload"

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Response
from pydantic import Field, create_model

from serve.kernel.asking import Asking
from serve.kernel.db import DatabaseUnavailable, ReadDb, guarded
from serve.kernel.envelope import Meta, Success
from serve.kernel.errors import problems
from serve.kernel.resources.declaration import Resource
from serve.kernel.resources.filters import _set
from serve.kernel.resources.listing import MANY, Bindings
from serve.kernel.resources.schemas import Stats
from serve.kernel.resources.seen import for_caller
from serve.kernel.resources.words import plain, reading

MOST_GROUPS = 100


def add_calls(router: APIRouter, resource: Resource) -> None:
    if "stats" not in resource.calls:
        return
    columns = tuple(name for name in resource.countable if name not in ("id", *resource.personal))
    unasked = {"page", "per_page", "limit", "offset", "cursor", "count", "sort", "fields"}
    filters = {
        name: (info.annotation, info)
        for name, info in resource.query.model_fields.items()
        if name not in unasked
    }
    Asked = create_model(
        f"{resource.query.__name__}Stats",
        by=(_set(Literal[columns]) | None, Field(None, description="Columns to count by.")),
        **filters,
    )

    @router.get(
        "/stats",
        response_model=Success[Stats, Meta],
        dependencies=[reading(resource)],
        responses=problems(DatabaseUnavailable),
        description=f"How many {resource.name.replace('_', ' ')} there are, in all and by columns.",
        name=f"{resource.name}.stats",
    )
    async def stats(asked: Annotated[Asked, Depends(Asking(Asked))], db: ReadDb) -> Response:
        bind = Bindings()
        source = f"from {resource.name} t where {resource.listing.where(asked, bind, tenants=MANY)}"
        values = for_caller(bind.values, db.caller)
        (total,) = await db.fetch(guarded(f"select count(*) as total {source}"), *values)
        by = {}
        for column in asked.by or ():
            groups = await db.fetch(
                guarded(
                    f"select t.{column} as value, count(*) as count {source}"
                    f" group by t.{column} order by count(*) desc, t.{column} limit {MOST_GROUPS}"
                ),
                *values,
            )
            by[column] = [dict(group) for group in groups]
        return plain({"total": total["total"], "by": by})
