"""The query string of a list as one model.

FastAPI would take a model of sixty parameters apart and build a validator for each of them: three megabytes a resource
and most of its start. Here the model reads the query string itself; parameters are refused and documented like all
others (``params``, ``openapi``).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Generic, TypeVar

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

Model = TypeVar("Model", bound=BaseModel)


class Asking(Generic[Model]):
    """A dependency that gives the model: ``Annotated[Asked, Depends(Asking(Asked))]``."""

    def __init__(self, model: type[Model]) -> None:
        self.model = model
        self.repeated = {name for name, field in model.model_fields.items() if repeats(field)}

    async def __call__(self, request: Request) -> Model:
        values: dict[str, Any] = {}
        for name, value in request.query_params.multi_items():
            if name in self.repeated:
                values.setdefault(name, []).append(value)
            else:
                values[name] = value
        try:
            return self.model.model_validate(values)
        except ValidationError as error:
            found = error.errors(include_url=False)
            raise RequestValidationError(
                [{**item, "loc": ("query", *item["loc"])} for item in found]
            ) from error

    def parameters(self) -> list[dict[str, Any]]:
        """As OpenAPI names them."""
        schema = self.model.model_json_schema(ref_template="#/components/schemas/{model}")
        needed = schema.get("required", ())
        return [
            {
                "name": name,
                "in": "query",
                "required": name in needed,
                "schema": described,
                **({"description": described["description"]} if "description" in described else {}),
            }
            for name, described in schema["properties"].items()
        ]


def repeats(field: FieldInfo) -> bool:
    """Whether a parameter may be sent several times."""
    return "list[" in str(field.annotation)


def asked_of(dependant: Dependant) -> Iterator[Asking[Any]]:
    """The models that a route reads its query string with."""
    for inner in dependant.dependencies:
        if isinstance(inner.call, Asking):
            yield inner.call
        yield from asked_of(inner)
