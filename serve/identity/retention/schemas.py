"""What is written and read of retention."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from serve.kernel.envelope import Output
from serve.kernel.resources import Fields, read_of

KindName = Literal[
    "leads_without_contact", "mails", "notifications", "api_requests", "loose_files", "privacy_requests"
]


class RuleFields(Fields):
    """How long your company keeps what."""

    kind: KindName = Field(description="`GET …/kinds` explains them.", examples=["notifications"])
    keep_days: int | None = Field(
        None, ge=1, le=36_500, description="The usual time of the kind unless said.", examples=[365]
    )
    is_active: bool = Field(
        False,
        description="Only an active rule ends anything, once a day; one for each kind.",
        examples=[False],
    )


class RuleRead(read_of(RuleFields, "RetentionRuleBase")):  # type: ignore[misc]
    keep_days: int = Field(examples=[365])
    last_run_at: datetime | None
    last_count: int | None = Field(description="Rows that it ended then.")


class KindRead(Output):
    """Something that can be kept for a time and no longer."""

    kind: str = Field(examples=["notifications"])
    meaning: str
    usual_days: int = Field(examples=[180])


class RulePreview(Output):
    """What the rule would end now."""

    rule_id: UUID
    count: int = Field(examples=[12])
    older_than: datetime
    oldest_at: datetime | None = Field(description="When the oldest of them was made.")
