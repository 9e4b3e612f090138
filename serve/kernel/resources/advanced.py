"""Lists that are asked for by compound conditions: ``POST …/advanced-filter``."""

# No postponed annotations: they name the models of one resource, which no type checker can follow.
# mypy: disable-error-code="valid-type, attr-defined, arg-type, call-overload"

from typing import Any

from fastapi import APIRouter, Response
from pydantic import ConfigDict, Field, create_model
from pydantic.fields import FieldInfo

from serve.kernel.db import ReadDb
from serve.kernel.envelope import Success, around
from serve.kernel.errors import problems
from serve.kernel.resources.conditions import DEEPEST, MOST_COMPARISONS, Condition
from serve.kernel.resources.declaration import Resource
from serve.kernel.resources.filters import ListQuery
from serve.kernel.resources.schemas import ListMeta
from serve.kernel.resources.words import BODY, raw, reading

EXAMPLE = {
    "all": [
        {"field": "created_at", "op": "within_days", "value": 90},
        {"not": {"field": "tags", "op": "has", "value": ["do not call"]}},
    ]
}


SHOWN = {"page": 1, "per_page": 20, "sort": "-created_at", "deleted": False} | dict.fromkeys(
    ("limit", "offset", "cursor", "fields", "search")
)
"""What the example of a body has beside its conditions."""


class Conditional(ListQuery):
    """Base of the bodies."""

    model_config = ConfigDict(extra="forbid")

    where: Condition = Field(
        description=f"`all`, `any` or `not` of conditions, or one comparison; at most {DEEPEST} deep, with"
        f" {MOST_COMPARISONS} comparisons.",
        examples=[EXAMPLE],
    )


def add_advanced_filter(router: APIRouter, resource: Resource) -> None:
    usual = resource.query.model_fields
    fields = {
        field: (usual[field].annotation, _shown(usual[field], example))
        for field, example in SHOWN.items()
        if field in usual
    }
    name = f"{resource.query.__name__.removesuffix('Query')}Conditions"
    Asked = create_model(name, __base__=Conditional, **fields)
    Read, Part = resource.read_model, resource.part_model
    many = resource.name.replace("_", " ")

    @router.post(
        "/advanced-filter",
        response_model=Success[list[Read | Part], ListMeta],
        dependencies=[reading(resource)],
        responses=problems(*BODY),
        description=f"{many.capitalize()} for which compound conditions hold, sorted and in pages like the list.",
        name=f"{resource.name}.advanced_filter",
    )
    async def advanced_filter(asked: Asked, db: ReadDb) -> Response:
        listed = await resource.listing.page(db, asked)
        return raw(around(listed.data, listed.meta))


def _shown(info: FieldInfo, example: Any) -> FieldInfo:
    shown = info._copy()
    shown.examples = [example]
    return shown
