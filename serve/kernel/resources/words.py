"""Small words that all calls of resources are written with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, cast
from uuid import UUID

from fastapi import Depends, Header, Path, Response

from serve.kernel.caller import Needs
from serve.kernel.db import DatabaseUnavailable
from serve.kernel.envelope import success
from serve.kernel.errors import Malformed, UnsupportedMediaType
from serve.kernel.permissions import Permission
from serve.kernel.resources.store import Row

if TYPE_CHECKING:
    from serve.kernel.resources.declaration import Resource

Id = Annotated[UUID, Path(description="Id of the row.")]
IfMatch = Annotated[
    str | None, Header(description="ETag of the version that you read: refused when there is a newer one.")
]

BODY = (DatabaseUnavailable, Malformed, UnsupportedMediaType)
"""How every call with a body can fail, beside being invalid."""

_PRIVATE = {"Cache-Control": "private, no-cache"}


def reading(resource: Resource) -> Any:
    return Depends(Needs(cast(Permission, resource.reading)))


def writing(resource: Resource) -> Any:
    return Depends(Needs(cast(Permission, resource.writing)))


def one(
    row: Row,
    *,
    status: int = 200,
    headers: dict[str, str] | None = None,
    meta: Mapping[str, Any] | None = None,
) -> Response:
    """A row in its envelope, named by its version."""
    named = {"ETag": row.etag, **_PRIVATE, **(headers or {})}
    return Response(success(row, meta or {}), status, named, "application/json")


def raw(body: bytes, headers: Mapping[str, str] | None = None) -> Response:
    """An answer that is JSON already."""
    return Response(body, 200, {**_PRIVATE, **(headers or {})}, "application/json")


def plain(data: Any, meta: Any = None, *, status: int = 200) -> Response:
    """Anything else in its envelope."""
    return Response(success(data, meta or {}), status, _PRIVATE, "application/json")
