"""Where values come from, to clients."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from serve.identity.consents.schemas import Basis, Channel, Decision
from serve.kernel.envelope import Output

Source = Literal["person", "api_key", "import", "conversion", "geocoding", "system", "load"]


class ByWayOf(Output):
    """A row from which the value was taken over."""

    way: Literal["merge", "conversion"] = Field(
        description="The other row was merged into this one, or this one was made of a lead."
    )
    id: UUID = Field(description="Of the merge or the conversion.")
    entity: Literal["contact", "lead", "account"]
    entity_id: UUID = Field(description="The other row.")
    at: datetime
    actor_id: UUID | None = Field(description="Who did it.")
    actor_name: str | None = Field(None, examples=["Olga Owner"])


class StandingConsent(Output):
    """Whether the person may be reached this way for a purpose, now."""

    purpose_key: str = Field(examples=["newsletter"])
    lawful_basis: Basis
    channel: Channel
    decision: Decision | None = Field(description="What was said last; null: never asked.")
    decided_at: datetime | None
    may: bool
    why: str = Field(examples=["they agreed"])


class FieldOrigin(Output):
    """A value, and where it came from."""

    field: str = Field(examples=["email"])
    value: Any = Field(examples=["ada@example.org"])
    source: Source = Field(
        description="`person` typed it in, an `api_key` wrote it, an `import` or a `conversion` brought it, the"
        " platform found it by the address (`geocoding`), the `system` set it; a `load` into the database brought the"
        " row itself, and nobody changed it since.",
        examples=["import"],
    )
    at: datetime | None = Field(description="When it was set; of a load, when the row came.")
    actor_kind: str | None = Field(examples=["user"])
    actor_id: UUID | None = Field(description="The person or the key.")
    actor_name: str | None = Field(examples=["Olga Owner"])
    event_id: UUID | None = Field(description="Of the row's history, or of the row that it came from.")
    cause_id: UUID | None = Field(description="The task or event for which it was set.")
    import_id: UUID | None
    import_filename: str | None = Field(examples=["fair.csv"])
    by_way_of: list[ByWayOf] = Field(description="Rows by way of which it came here, the first one first.")
    consents: list[StandingConsent] | None = Field(
        description="Of an address or a number: by purpose and channel. Null for other fields, and for who may not"
        " read consents."
    )


class Provenance(Output):
    """Where what is known of somebody comes from."""

    entity: Literal["contact", "lead", "account"]
    id: UUID
    fields: list[FieldOrigin] = Field(description="Those that have a value.")
