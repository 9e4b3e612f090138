"""What quotes and estimates are to those who write them."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from pydantic import EmailStr, Field, WithJsonSchema, model_validator

from serve.kernel.envelope import Day, Input, Moment, Output
from serve.kernel.resources import Fields, read_of
from serve.kernel.resources.schemas import Line
from serve.kernel.speech import PATTERN

MOST_LINES = 200
Status = Literal["draft", "sent", "accepted", "declined", "expired"]
EstimateStatus = Literal["draft", "quoted"]
Text = Annotated[Line, Field(max_length=10_000)]
Share = Annotated[int, Field(ge=0, le=10_000)]
Cents = Annotated[int, Field(ge=0, le=10**10)]
Quantity = Annotated[
    Decimal,
    Field(gt=0, le=1_000_000, decimal_places=3, max_digits=10),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "exclusiveMinimum": 0, "maximum": 1_000_000, "multipleOf": 0.001},
                {
                    "type": "string",
                    "pattern": r"^([1-9][0-9]{0,5}(\.[0-9]{1,3})?|0\.[0-9]{0,2}[1-9]|1000000)$",
                },
            ]
        },
        mode="validation",
    ),
]
"""Said more exactly than Pydantic does, whose text may be all digits of any script."""
_EXAMPLE = {
    "description": "Replace the boiler",
    "quantity": "1",
    "unit": "piece",
    "unit_price_cents": 240_000,
    "tax_basis_points": 1900,
}


class LineFields(Input):
    """Amounts are without tax, in minor units of the offer's currency."""

    description: Line = Field(min_length=1, max_length=1000, examples=["Replace the boiler"])
    product_code: Annotated[Line, Field(min_length=1, max_length=100)] | None = Field(None, examples=["B-20"])
    quantity: Quantity = Field(
        Decimal(1), description="With at most three places; better sent as text.", examples=["2.5"]
    )
    unit: Annotated[Line, Field(min_length=1, max_length=20)] | None = Field(None, examples=["h"])
    unit_price_cents: Cents = Field(examples=[240_000])
    discount_basis_points: Share | None = Field(
        None, description="Off this line: 500 is 5 %.", examples=[500]
    )
    discount_cents: Cents | None = Field(
        None, description="Off this line, instead of a share.", examples=[None]
    )
    tax_basis_points: Share = Field(0, description="Rate of tax: 1900 is 19 %.", examples=[1900])
    is_optional: bool = Field(False, description="Whether the customer may leave it out.")
    option_group: Annotated[Line, Field(min_length=1, max_length=100)] | None = Field(
        None,
        description="Lines of a group stand for each other: one of them counts.",
        examples=[None],
    )
    is_chosen: bool | None = Field(
        None,
        description="Of an option: whether it counts as things stand. Unless said an optional line does not: the"
        " customer asks for it. Every other line does.",
        examples=[True],
    )

    @model_validator(mode="after")
    def _choose(self) -> LineFields:
        if self.is_chosen is None:
            # Directive 2011/83/EU, art. 22: consent to a further payment is no box that is ticked already.
            self.is_chosen = not self.is_optional
        return self


class OfferFields(Fields):
    account_id: UUID = Field(description="The customer.")
    contact_id: UUID | None = Field(None, description="The person there whom it is for.", examples=[None])
    title: Annotated[Line, Field(min_length=1, max_length=200)] | None = Field(None, examples=["New boiler"])
    introduction: Text | None = Field(None, description="Stands above the lines.", examples=[None])
    terms: Text | None = Field(None, description="Stands below the lines.", examples=["Payable in 14 days."])
    recipient_name: Annotated[Line, Field(min_length=1, max_length=200)] | None = Field(
        None, description="On the paper; that of the contact unless said.", examples=["Ada Byron"]
    )
    recipient_email: EmailStr | None = Field(
        None,
        max_length=254,
        description="Where it is sent; that of the contact unless said.",
        examples=[None],
    )
    lines: list[LineFields] = Field([], max_length=MOST_LINES, examples=[[_EXAMPLE]])
    discount_basis_points: Share | None = Field(
        None, description="Off all of it: 500 is 5 %.", examples=[None]
    )
    discount_cents: Cents | None = Field(
        None, description="Off all of it, instead of a share.", examples=[None]
    )
    deposit_basis_points: Share | None = Field(
        None, description="The share that is paid in advance: 3000 is 30 %.", examples=[3000]
    )
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = Field(
        None, description="The company's own unless said.", examples=["EUR"]
    )
    valid_until: Day | None = Field(
        None,
        description="The last day on which it can be accepted, where you are; 30 days from sending unless said.",
        examples=[None],
    )
    language: Annotated[str, Field(pattern=PATTERN)] | None = Field(
        None,
        description="In which its paper, its mail and its page speak to the customer, with the region that says how"
        " numbers and days are written; that of your settings (`locale`) when it is sent unless said, and English"
        " where that is none of these.",
        examples=["de-CH"],
    )


class QuoteFields(OfferFields):
    pass


class EstimateFields(OfferFields):
    pass


class LineRead(Output):
    position: int = Field(description="From 1.", examples=[1])
    description: str = Field(examples=["Replace the boiler"])
    product_code: str | None = Field(examples=[None])
    quantity: str = Field(description="A decimal number.", examples=["1"])
    unit: str | None = Field(examples=["piece"])
    unit_price_cents: int = Field(examples=[240_000])
    discount_basis_points: int | None = Field(examples=[None])
    discount_cents: int | None = Field(examples=[None])
    tax_basis_points: int = Field(examples=[1900])
    is_optional: bool
    option_group: str | None = Field(examples=[None])
    is_chosen: bool
    gross_cents: int = Field(description="Quantity times unit price.", examples=[240_000])
    net_cents: int = Field(description="After the discount of the line, without tax.", examples=[240_000])
    is_counted: bool = Field(description="Whether it is in the totals: options that nobody chose are not.")


class TaxRead(Output):
    """All that is taxed at one rate."""

    tax_basis_points: int = Field(examples=[1900])
    net_cents: int = Field(description="Without tax, after all discounts.", examples=[240_000])
    tax_cents: int = Field(examples=[45_600])


class Counted(Output):
    """What follows from the lines."""

    subtotal_cents: int = Field(description="The lines after their own discounts.", examples=[240_000])
    discount_total_cents: int = Field(description="Off all of it.", examples=[0])
    net_cents: int = Field(description="Without tax.", examples=[240_000])
    tax_cents: int = Field(examples=[45_600])
    total_cents: int = Field(description="With tax: what the customer pays.", examples=[285_600])
    taxes: list[TaxRead] = Field(description="By rate, from the lowest.")
    deposit_cents: int = Field(description="Of the total, paid in advance; with tax.", examples=[85_680])


class QuoteRead(read_of(QuoteFields, "QuoteBase"), Counted):  # type: ignore[misc]
    currency: str = Field(examples=["EUR"])
    lines: list[LineRead]
    valid_until: date | None = Field(examples=["2026-12-31"])
    number: str | None = Field(
        description="Yours, one after the other in a year; what came from elsewhere may have none.",
        examples=["Q-2026-0001"],
    )
    status: Status = Field(description="`expired` from the end of `valid_until` on.")
    version: int = Field(description="Of what stands here; a change after sending is the next.", examples=[1])
    sent_version: int | None = Field(description="What the customer's link shows.", examples=[None])
    accepted_version: int | None = Field(examples=[None])
    sent_at: datetime | None = Field(examples=[None])
    expires_at: datetime | None = Field(description="From then on nobody can accept it.", examples=[None])
    decided_at: datetime | None = Field(examples=[None])
    decided_by: Literal["customer", "staff"] | None = Field(
        description="By the link, or noted by one of you.", examples=[None]
    )
    decided_by_name: str | None = Field(description="As they typed it.", examples=[None])
    decline_reason: str | None = Field(examples=[None])
    estimate_id: UUID | None = Field(description="The estimate that it came from.", examples=[None])
    job_id: UUID | None = Field(description="The job that it became.", examples=[None])
    invoice_id: UUID | None = Field(description="The invoice of the deposit.", examples=[None])
    converted_at: datetime | None = Field(examples=[None])


class EstimateRead(read_of(EstimateFields, "EstimateBase"), Counted):  # type: ignore[misc]
    currency: str = Field(examples=["EUR"])
    lines: list[LineRead]
    valid_until: date | None = Field(examples=["2026-12-31"])
    number: str | None = Field(examples=["E-2026-0001"])
    status: EstimateStatus = Field(description="`quoted` once it has become a quote.")


class Sending(Input):
    message: Annotated[Line, Field(min_length=1, max_length=5000)] | None = Field(
        None,
        description="Begins the mail, instead of a sentence of ours.",
        examples=["As we said on the phone:"],
    )


Positions = Annotated[list[Annotated[int, Field(ge=1, le=MOST_LINES)]], Field(max_length=MOST_LINES)]
_CHOSEN = Field(
    None,
    description="Positions of the options that are wanted, of all groups; as they were offered unless sent.",
    examples=[None],
)
_TYPED_NAME = Field(min_length=2, max_length=200, description="Who accepts.", examples=["Ada Byron"])
_REASON = Field(None, description="Why not.", examples=["We go on with the old one."])


class Acceptance(Input):
    """What somebody of the business notes of a customer."""

    name: Line = _TYPED_NAME
    chosen: Positions | None = _CHOSEN


class Refusal(Input):
    reason: Annotated[Line, Field(min_length=1, max_length=2000)] | None = _REASON


class Conversion(Input):
    service: Annotated[Line, Field(min_length=1, max_length=200)] | None = Field(
        None, description="What is done; the title of the quote unless said.", examples=["Boiler"]
    )
    zone_id: UUID | None = Field(None, examples=[None])
    due_at: Moment | None = Field(None, description="Until when it is to be done.", examples=[None])
    with_deposit: bool | None = Field(
        None,
        description="Draft an invoice of the deposit; if the quote asks for one unless said.",
        examples=[None],
    )
    deposit_due_date: Day | None = Field(None, examples=[None])


class VersionRead(Output):
    """A quote as it was sent once."""

    version: int = Field(examples=[1])
    sent_at: datetime
    expires_at: datetime
    recipient_email: str | None = Field(examples=["ada@example.org"])
    language: str = Field(description="In which it was sent, and stays.", examples=["de-CH"])
    total_cents: int = Field(description="As it was offered, with tax.", examples=[285_600])
    currency: str = Field(examples=["EUR"])
    pdf_sha256: str = Field(description="Of the paper that was sent.", examples=["9f86d081884c7d65"])
    has_pdf: bool = Field(description="False once it was erased with the person on it.")


Token = Annotated[str, Field(min_length=20, max_length=100, pattern=r"^[A-Za-z0-9_-]+$")]
_TOKEN = Field(description="Of the mail.", examples=["kq3yT0b2eJf1r8sXw5nZ7uVd4hGm6pLc9aQiRoEtYxW"])


class QuoteLink(Input):
    token: Token = _TOKEN


class QuoteLinkChoice(QuoteLink):
    chosen: Positions | None = Field(
        None, description="Count it with these options; as it was offered unless sent.", examples=[None]
    )


class QuoteLinkAcceptance(QuoteLinkChoice):
    name: Line = _TYPED_NAME
    total_cents: int = Field(
        ge=0,
        le=10**15,
        description="What they have seen and agree to; another one is refused.",
        examples=[285_600],
    )


class QuoteLinkRefusal(QuoteLink, Refusal):
    pass


class QuoteShown(Counted):
    """What the holder of the link may know."""

    tenant_name: str = Field(examples=["Example Fleet"])
    tenant_slug: str = Field(
        description="Its look is that of `/api/v1/b2b/white-label/{slug}`.", examples=["example-fleet"]
    )
    language: str = Field(
        description="In which it was sent: the page speaks it, and writes numbers and days as there.",
        examples=["de-CH"],
    )
    number: str | None = Field(examples=["Q-2026-0001"])
    version: int = Field(examples=[1])
    title: str | None = Field(examples=["New boiler"])
    introduction: str | None = Field(examples=[None])
    terms: str | None = Field(examples=[None])
    recipient_name: str | None = Field(None, examples=["Ada Byron"])
    lines: list[LineRead]
    currency: str = Field(examples=["EUR"])
    valid_until: date = Field(examples=["2026-12-31"])
    state: Literal["open", "accepted", "declined"]
    expires_at: datetime = Field(description="From then on nobody can accept it.")
    decided_at: datetime | None = Field(examples=[None])
    decided_by_name: str | None = Field(examples=[None])
