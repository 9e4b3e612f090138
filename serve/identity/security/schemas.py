"""What the report of isolation and its live checks answer."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field

from serve.identity.security.data_types import check_data_type
from serve.identity.security.trials import Level, Outcome
from serve.kernel.envelope import Input, Output
from serve.kernel.resources.schemas import Line, Record


class IsolationQuery(BaseModel):
    tenant_id: UUID | None = Field(None, description="One whose rows you may read; your own unless said.")
    data_type: Annotated[Line, AfterValidator(check_data_type)] | None = Field(
        None,
        min_length=1,
        max_length=100,
        description="Only of this table, entity or domain: `contacts`, `contact`, `crm` or `crm.contacts`.",
    )
    isolation_level: Level | None = Field(
        None, description="Only rows of tables, files, releases of figures, or remembered answers."
    )


class TableIsolation(Output):
    table: str = Field(examples=["contacts"])
    domain: str | None = Field(examples=["crm.contacts"])
    entity: str | None = Field(description="As events name it.", examples=["contact"])
    is_enabled: bool = Field(description="Row security stands on the table.")
    is_forced: bool = Field(description="It binds the table's owner, too.")
    policies: list[str] = Field(
        examples=[["tenant_deletes", "tenant_inserts", "tenant_reads", "tenant_updates"]]
    )
    partition_count: int = Field(examples=[0])
    reached_by: list[str] = Field(
        description="Roles of requests and tasks with any right on it.", examples=[["throughline_api"]]
    )
    exception: str | None = Field(
        description="Why it is guarded otherwise than by the four policies; somebody has reviewed it.",
        examples=[None],
    )
    shortcomings: list[str] = Field(description="What is not as it must be.", examples=[[]])


class MorePolicy(Output):
    table: str = Field(examples=["tasks"])
    policy: str = Field(examples=["worker_all"])
    role: str = Field(examples=["throughline_worker"])
    reason: str = Field(examples=["the worker looks after those of every tenant"])


class RoleIsolation(Output):
    role: str = Field(examples=["throughline_api"])
    is_superuser: bool
    passes_row_security: bool
    owned_count: int = Field(description="Tables and functions that belong to it.", examples=[0])
    exception: str | None = Field(description="Why it passes row security.", examples=[None])
    shortcomings: list[str] = Field(examples=[[]])


class NamedShortcomings(Output):
    name: str = Field(examples=["tenant_members()"])
    shortcomings: list[str] = Field(examples=[["may be called by everybody"]])


class RowIsolation(Output):
    tables: list[TableIsolation]
    more_policies: list[MorePolicy] = Field(
        description="What a role may do beyond one tenant, each reviewed, with the reason."
    )
    roles: list[RoleIsolation]
    definer_function_count: int = Field(
        description="Functions that run with the rights of their owner.", examples=[60]
    )
    functions: list[NamedShortcomings] = Field(description="Those of them that are not as they must be.")
    views: list[NamedShortcomings] = Field(description="Views that are not as they must be.")


class FileIsolation(Output):
    layout: str = Field(description="Under which names bytes lie.", examples=["<tenant>/<file>"])
    file_count: int = Field(description="Files of the tenant.", examples=[12])
    shortcomings: list[str] = Field(examples=[[]])


class ReleaseIsolation(Output):
    release_id: str | None = Field(
        description="Null while nothing is published.", examples=["20260201T021500123Z-0a1b2c"]
    )
    filtered_tables: list[str] = Field(
        description="Published behind a view that shows one tenant.", examples=[["kpi_daily"]]
    )
    shared_tables: list[str] = Field(description="The same for everybody.", examples=[["dim_dates"]])
    shortcomings: list[str] = Field(examples=[[]])


class CacheIsolation(Output):
    named_by: list[str] = Field(
        description="What the name of a remembered answer is made of.", examples=[["release", "tenant"]]
    )
    shortcomings: list[str] = Field(examples=[[]])


class RouteProofs(Output):
    route_count: int = Field(description="Operations that ask for a permission.", examples=[300])
    proved_count: int = Field(
        description="Of those, how many were asked for other tenants' rows and gave none.", examples=[300]
    )
    proved_at: datetime = Field(description="When the routes were asked.")
    commit: str = Field(description="Of the program that was asked.", examples=["1217832"])
    promises: list[str] = Field(
        description="What was asked of each that it applies to.",
        examples=[["A stranger's row is answered like one that is nowhere, and stays as it is."]],
    )
    roles: list[str] = Field(description="As whom.", examples=[["owner", "viewer"]])
    tenants: list[str] = Field(description="For whom.", examples=[["a", "b", "umbrella"]])
    broken: list[str] = Field(description="Operations that broke a promise.", examples=[[]])
    not_asked: list[str] = Field(
        description="Operations that were asked who may call them, and nothing about other tenants' rows.",
        examples=[["POST /api/v1/contacts"]],
    )
    unproved: list[str] = Field(
        description="Operations that came later: nobody has asked them yet.", examples=[[]]
    )


class LastCheck(Output):
    id: UUID
    outcome: Literal["held", "broken"]
    finished_at: datetime
    held_count: int = Field(examples=[520])
    broken_count: int = Field(examples=[0])
    not_tried_count: int = Field(examples=[30])


class IsolationRead(Output):
    """How the tenant's data is kept apart, read from the database's own catalogue and the running parts just now."""

    tenant_id: UUID
    holds: bool = Field(description="Nothing that was looked at has a shortcoming.")
    shortcoming_count: int = Field(examples=[0])
    looked_at: datetime
    row: RowIsolation | None = Field(description="Null when another level was asked for.")
    file: FileIsolation | None
    release: ReleaseIsolation | None
    cache: CacheIsolation | None
    routes: RouteProofs
    last_check: LastCheck | None = Field(
        description="The newest live check of the tenant; null before the first."
    )


class TrialRead(Output):
    level: Level = Field(examples=["row"])
    about: str = Field(examples=["contacts"])
    tried: str = Field(examples=["give_away"])
    outcome: Outcome = Field(examples=["not_tried"])
    found: str = Field(examples=["there is no row of ours to try it on"])


class Held(Output):
    level: Level = Field(examples=["row"])
    about: str = Field(examples=["contacts"])
    tried: list[str] = Field(examples=[["read_without_tenant", "read_as_stranger", "insert_for_us"]])


class CheckFields(Input):
    """Nobody writes a check: it is made by trying."""


class CheckRead(Record):
    """One live check: what was tried, with the rights of a request, to reach rows of the tenant as a stranger."""

    task_id: UUID
    user_id: UUID | None = Field(None, description="Who asked for it; empty when the platform did.")
    outcome: Literal["held", "broken"] = Field(examples=["held"])
    held_count: int = Field(examples=[520])
    broken_count: int = Field(examples=[0])
    not_tried_count: int = Field(description="Trials that found nothing to try themselves on.", examples=[30])
    held: list[Held]
    findings: list[TrialRead] = Field(description="Everything that was crossed, or could not be tried.")
    program: str = Field(description="Version of the program that tried.", examples=["1.0.0"])
    started_at: datetime
    finished_at: datetime
