"""Roles as clients write and read them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from serve.kernel.envelope import Output
from serve.kernel.resources import Fields
from serve.kernel.resources.schemas import Line


class RoleChange(Fields):
    """What may be said of a role at any time."""

    name: Line = Field(min_length=1, max_length=100, examples=["Dispatcher"])
    description: Line | None = Field(None, max_length=1000, examples=["Sends crews out."])
    permissions: list[Annotated[Line, Field(min_length=1, max_length=100)]] = Field(
        max_length=200, description="Some of your own.", examples=[["contacts:read", "vehicles:read"]]
    )


class RoleFields(RoleChange):
    slug: str = Field(
        pattern=r"^[a-z][a-z0-9_]{1,39}$",
        description="The word by which people get the role; it stays.",
        examples=["dispatcher"],
    )


class BuiltInRoleRead(Output):
    slug: str = Field(examples=["technician"])
    permissions: list[str] = Field(examples=[["self:read", "self:write"]])


class PermissionRead(Output):
    name: str = Field(examples=["contacts:read"])
    meaning: str = Field(examples=["People of customers, with their addresses."])
    roles: list[str] = Field(
        description="Roles that have it, the tenant's own ones too.", examples=[["owner", "admin"]]
    )


class RoleCatalogue(Output):
    """What a role may be made of, and the roles that every tenant has."""

    permissions: list[PermissionRead]
    built_in: list[BuiltInRoleRead]
