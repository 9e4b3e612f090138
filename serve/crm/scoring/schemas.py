"""What a score and an analysis are to clients."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from serve.kernel.envelope import Output


class Reason(Output):
    feature: str = Field(examples=["reply_hours"])
    value: Any | None = Field(description="What it is for this lead.", examples=[1.5])
    effect: float = Field(
        description="What it adds to the log-odds, compared with a typical lead: above 0 it speaks for winning.",
        examples=[0.84],
    )


class ModelUsed(Output):
    """The version that answered; it learned from your leads alone."""

    question: str = Field(examples=["lead_score"])
    version: str = Field(examples=["20260201T021500Z-0a1b2c3d"])
    kind: str | None = Field(examples=["logistic"])
    calibration: str | None = Field(description="How chances were made to come true as often as they say.")
    trained_at: datetime
    data_until: datetime = Field(description="It has seen nothing later.")


class LeadScore(Output):
    """An answer of the model about one lead."""

    id: UUID
    lead_id: UUID
    score: float | None = Field(
        description="Calibrated chance, 0 to 1, that it is won within 30 days.", examples=[0.31]
    )
    reasons: list[Reason] = Field(description="The strongest first, three at most.")
    unscored_because: str | None = Field(description="Why an analysis has no score.", examples=[None])
    model: ModelUsed | None
    as_of_at: datetime | None = Field(
        description="It was looked at as it stood then: 48 hours after it came, or now."
    )
    features: dict[str, Any] = Field(
        description="What the model looked at.", examples=[{"source": "referral"}]
    )
    cause: Literal["asked", "changed"] = Field(description="Whether somebody asked, or the lead had changed.")
    created_at: datetime = Field(description="When it was scored.")
    user_id: UUID | None = Field(description="Who asked.")


class Similar(Output):
    """Leads of the same source that were won or lost in the last 365 days."""

    closed_count: int = Field(examples=[42])
    won_count: int = Field(examples=[11])
    won_share: float | None = Field(description="0 to 1; empty where none was closed.", examples=[0.26])


class NextStep(Output):
    rule: Literal["answer", "answer_reply", "follow_up", "convert", "qualify"]
    because: str = Field(examples=["Nobody has answered it yet."])


class Facts(Output):
    """What is known of it, counted from its rows."""

    age_s: float = Field(description="Since it came.", examples=[86400.0])
    first_reply_s: float | None = Field(description="From its coming to the first answer.", examples=[5400.0])
    activity_counts: dict[str, int] = Field(description="By kind.", examples=[{"call": 2}])
    last_in_at: datetime | None = Field(description="When they were last in touch.")
    last_out_at: datetime | None = Field(description="When you were.")
    note_count: int = Field(examples=[1])
    similar: Similar
    next_step: NextStep | None = Field(description="What the written rules say comes next.")


class Analysis(LeadScore):
    """The score with its reasons, and what is known of the lead."""

    facts: Facts
