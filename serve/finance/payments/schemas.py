"""What a payment is to clients."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from serve.finance.payments.words import Currency, Method
from serve.kernel.envelope import Moment
from serve.kernel.resources import Fields
from serve.kernel.resources.schemas import Record

MOST_CENTS = 10**15
"""Beyond it programs that know numbers only as floats would be wrong."""


class PaymentFields(Fields):
    invoice_id: UUID | None = Field(
        None,
        description="What it is for; empty where a customer paid in advance, or nobody knows.",
        examples=[None],
    )
    account_id: UUID | None = Field(
        None, description="Who paid: the invoice's customer, or needed where no invoice is named."
    )
    method: Method = Field(examples=["bank_transfer"])
    amount_cents: int = Field(
        gt=0, le=MOST_CENTS, description="Never more than is open of the invoice.", examples=[20_000]
    )
    currency: Currency | None = Field(
        None, description="The invoice's, else the tenant's, unless said.", examples=["EUR"]
    )
    paid_at: Moment | None = Field(
        None, description="When; now unless said, and never in the future.", examples=["2026-02-01T10:00:00Z"]
    )


class PaymentRead(Record):
    external_id: str | None = Field(description="Your own id of it.", examples=["bank-4711"])
    invoice_id: UUID | None = Field(description="What it is for.")
    account_id: UUID = Field(description="Who paid.")
    method: str = Field(description="How; other systems have words of their own.", examples=["bank_transfer"])
    status: Literal["succeeded", "failed", "refunded"] = Field(
        description="`succeeded` unless another system says otherwise.", examples=["succeeded"]
    )
    amount_cents: int = Field(description="Below 0 where money was given back.", examples=[20_000])
    currency: str = Field(description="ISO 4217 code.", examples=["EUR"])
    paid_at: datetime
