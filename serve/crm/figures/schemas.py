"""What figures of selling and of customers say. Amounts stand by currency: they are never added across."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from serve.crm.accounts.schemas import AccountFields
from serve.crm.funnel.schemas import Replies, Steps
from serve.crm.scoring.schemas import Reason
from serve.kernel.envelope import Day, Output

Word = Literal["good", "watch", "at_risk", "unknown"]
_CODE = Field(description="ISO 4217.", examples=["EUR"])


class DaysAsked(BaseModel):
    date_start: Day | None = Field(
        None, description="The first UTC day; 30 days before the last unless said."
    )
    date_end: Day | None = Field(None, description="The last UTC day; today unless said.")


class Money(Output):
    """So many rows, and what they come to."""

    currency: str = _CODE
    count: int = Field(examples=[4])
    cents: int = Field(description="In minor units.", examples=[960_000])


class Pipeline(Money):
    expected_cents: int = Field(
        description="Each value times the lead's chance; those that have no score add nothing.",
        examples=[312_000],
    )
    unscored_count: int = Field(examples=[1])


class Seller(Output):
    user_id: UUID | None = Field(description="Null: nobody works on these leads.")
    won_count: int = Field(examples=[3])
    won: list[Money]


class Sales(Output):
    """What was sold in a period, and what is under way now."""

    date_start: date
    date_end: date
    won: list[Money] = Field(description="Leads won in the period, by their value.")
    lost_count: int = Field(description="Leads lost in the period.", examples=[7])
    win_rate: float | None = Field(description="Won per lead won or lost in the period, 0 to 1.")
    quotes_sent: list[Money] = Field(description="Quotes sent in the period, with tax.")
    quotes_accepted: list[Money] = Field(description="Accepted in the period.")
    quotes_declined: list[Money] = Field(description="Declined in the period.")
    quotes_open: list[Money] = Field(description="Sent and undecided, now.")
    billed: list[Money] = Field(
        description="Invoices issued in the period, without tax; no drafts, none void; returns are taken off."
    )
    pipeline: list[Pipeline] = Field(description="Open leads that have a value, now.")
    by_owner: list[Seller] = Field(
        description="Who won the leads of the period; the most first, 100 at most."
    )


class Accounts(Output):
    total_count: int = Field(examples=[240])
    by_status: dict[str, int] = Field(examples=[{"active": 200, "prospect": 40}])
    by_segment: dict[str, int] = Field(examples=[{"smb": 190, "enterprise": 50}])
    new_count: int = Field(description="Made in the period.", examples=[12])
    churned_count: int = Field(description="Left in the period.", examples=[2])


class Tickets(Output):
    opened_count: int = Field(description="In the period.", examples=[31])
    resolved_count: int = Field(description="In the period.", examples=[28])
    open_count: int = Field(description="Open or pending, now.", examples=[9])
    late_count: int = Field(description="Of those open, answered or resolved too late.", examples=[1])


class Analytics(Output):
    """Customers and the way to them, in a period."""

    date_start: date
    date_end: date
    funnel: Steps
    first_reply: Replies
    accounts: Accounts
    contact_count: int = Field(description="Now.", examples=[410])
    tickets: Tickets


class ClientFields(AccountFields):
    segment: Literal["enterprise"] = "enterprise"


class EnterpriseStats(Output):
    """Of the accounts of segment enterprise, now; of billing and winning in the last 365 days."""

    client_count: int = Field(examples=[50])
    by_status: dict[str, int] = Field(examples=[{"active": 44, "prospect": 6}])
    high_risk_count: int = Field(
        description="Active ones whose chance to leave is a half or more.", examples=[3]
    )
    unscored_count: int = Field(description="Active ones without a score of churn.", examples=[1])
    contact_count: int = Field(examples=[130])
    open_lead_count: int = Field(examples=[12])
    open_ticket_count: int = Field(examples=[4])
    open_job_count: int = Field(description="Neither completed nor cancelled.", examples=[8])
    quotes_open: list[Money]
    billed: list[Money] = Field(description="Without tax; returns are taken off.")


class UnderWay(Output):
    """What hangs on accounts now; billing of the last 365 days."""

    billed: list[Money] = Field(description="Without tax; returns are taken off.")
    overdue: list[Money] = Field(description="With tax: what should have been paid by now.")
    overdue_count: int = Field(examples=[1])
    contact_count: int = Field(examples=[3])
    open_lead_count: int = Field(examples=[1])
    open_quote_count: int = Field(description="Sent and undecided.", examples=[1])
    open_job_count: int = Field(description="Neither completed nor cancelled.", examples=[2])
    open_ticket_count: int = Field(examples=[1])
    late_ticket_count: int = Field(description="Of those open.", examples=[0])
    last_job_at: datetime | None = Field(description="When work was requested last.")
    last_ticket_at: datetime | None = Field(description="When help was asked for last.")
    last_invoice_at: datetime | None


class ByHealth(Output):
    """How many accounts do how well."""

    good: int = Field(examples=[3])
    watch: int = Field(examples=[1])
    at_risk: int = Field(examples=[0])
    unknown: int = Field(examples=[0])


class WithChildren(UnderWay):
    """The account and all that stand below it, together."""

    account_count: int = Field(description="The account itself among them.", examples=[4])
    by_health: ByHealth
    health: Word = Field(description="The worst of them.")
    because: list[str] = Field(examples=[["1 of 4 accounts is to be watched."]])


class Health(UnderWay):
    """How one account does now, by itself and together with those below it."""

    account_id: UUID
    health: Word = Field(
        description="`at_risk`: it has left or is likely to; `watch`: it may leave, a ticket is late or an invoice"
        " overdue; `unknown`: none of these, and no model has looked at it."
    )
    because: list[str] = Field(examples=[["A ticket is late."]])
    churn_score: float | None = Field(description="Chance to leave, 0 to 1.", examples=[0.12])
    churn_reasons: list[Reason] = Field(description="The model's, the strongest first.")
    churn_scored_at: datetime | None
    with_children: WithChildren
