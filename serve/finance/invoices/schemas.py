"""What an invoice is to clients."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from serve.finance.payments.words import Method
from serve.kernel.envelope import Input, Moment, Output
from serve.kernel.resources.schemas import Record

Status = Literal["draft", "sent", "paid", "overdue", "void", "returned"]


class InvoiceRead(Record):
    external_id: str | None = Field(description="The id that another system gave it.", examples=["erp-77"])
    account_id: UUID = Field(description="The customer.")
    job_id: UUID | None = Field(description="The work that it is for.")
    number: str = Field(examples=["INV-2026-0001"])
    status: Status = Field(
        description="`draft`, `sent` and `overdue` are open; `paid`, `void` and `returned` are ends.",
        examples=["sent"],
    )
    issued_at: datetime
    due_date: date | None = Field(examples=["2026-02-14"])
    paid_at: datetime | None = Field(description="When the last of it was paid.")
    net_cents: int = Field(description="Without tax.", examples=[72_000])
    tax_cents: int = Field(examples=[13_680])
    total_cents: int = Field(description="With tax; below 0 for a return.", examples=[85_680])
    currency: str = Field(description="ISO 4217 code of all amounts.", examples=["EUR"])
    is_return: bool = Field(description="Whether it gives money back.", examples=[False])


class InvoiceLine(Output):
    line_no: int = Field(description="Its place, from 1.", examples=[1])
    product_code: str | None = Field(examples=["S01"])
    description: str = Field(examples=["Deposit of 30% on quote Q-2026-0001"])
    quantity: float = Field(examples=[1.0])
    unit_price_cents: int = Field(examples=[72_000])
    net_cents: int = Field(description="Of all its pieces, without tax.", examples=[72_000])


class InvoiceDetail(InvoiceRead):
    lines: list[InvoiceLine]
    paid_cents: int = Field(
        description="What has come in for it and stayed: payments that failed or were given back count for nothing.",
        examples=[20_000],
    )
    open_cents: int = Field(
        description="What is still to be paid; nothing of one that is paid, void or of a return.",
        examples=[65_680],
    )


class PaidInFull(Input):
    method: Method = Field(description="How the rest was paid.", examples=["bank_transfer"])
    paid_at: Moment | None = Field(
        None, description="When; now unless said, and never in the future.", examples=["2026-02-01T10:00:00Z"]
    )
