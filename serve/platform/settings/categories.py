"""Which categories there are, whose they are, and what is read and written of each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import Field, create_model
from pydantic.fields import FieldInfo

from serve.kernel.envelope import Input, Output
from serve.kernel.events import event
from serve.kernel.permissions import Permission
from serve.platform.settings import schemas


@dataclass(frozen=True)
class Category:
    """``model`` has a value for every setting; ``secrets`` are the fields that are never shown.

    ``opens_doors`` says that it decides who comes in: its changes are for people who have just proved who they are.
    """

    name: str
    scope: Literal["tenant", "user"]
    model: type[Input]
    secrets: tuple[str, ...] = ()
    opens_doors: bool = False

    @property
    def reading(self) -> Permission:
        return "settings:read" if self.scope == "tenant" else "self:read"

    @property
    def writing(self) -> Permission:
        return "settings:write" if self.scope == "tenant" else "self:write"

    @property
    def changed(self) -> str:
        """The name of the event of a change."""
        return f"settings.{self.name}_changed"

    @cached_property
    def read(self) -> type[Output]:
        """What clients read: of a secret only whether it is set."""
        parts: dict[str, Any] = {}
        for name, info in self.model.model_fields.items():
            if name in self.secrets:
                parts[f"{name}_is_set"] = (bool, Field(description=f"Whether there is a {name}."))
            else:
                shown = Field(description=info.description, examples=info.examples)
                parts[name] = (info.annotation, shown)
        return create_model(
            f"{self.model.__name__}Settings", __base__=Output, __doc__=self.model.__doc__, **parts
        )

    @cached_property
    def changes(self) -> type[Input]:
        """What clients write: any of the fields; null returns one to its default, where there is one."""
        parts: dict[str, Any] = {
            name: (
                _with_rules(info) if info.is_required() else _with_rules(info) | None,
                Field(None, description=info.description, examples=info.examples),
            )
            for name, info in self.model.model_fields.items()
        }
        return create_model(
            f"{self.model.__name__}SettingsChange", __base__=Input, __doc__=self.model.__doc__, **parts
        )


def _with_rules(info: FieldInfo) -> Any:
    return Annotated[info.annotation, *info.metadata] if info.metadata else info.annotation


CATEGORIES = {
    category.name: category
    for category in (
        Category("general", "tenant", schemas.General),
        # links to new passwords go by the tenant's mail server
        Category("email", "tenant", schemas.Email, secrets=("password",), opens_doors=True),
        Category("security", "tenant", schemas.Security, opens_doors=True),
        Category("sales", "tenant", schemas.Sales),
        Category("reviews", "tenant", schemas.Reviews),
        Category("geocoding", "tenant", schemas.Geocoding),
        Category("transcription", "tenant", schemas.Transcription, secrets=("api_key",)),
        Category("notifications", "user", schemas.Notifications),
        Category("preferences", "user", schemas.Preferences),
    )
}

for _each in CATEGORIES.values():
    event(_each.changed, f"Settings of the category {_each.name} changed; of secrets it says only when.")
