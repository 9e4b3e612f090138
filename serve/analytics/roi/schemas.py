"""What the return-on-investment endpoint takes and answers."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field

from serve.kernel.answers import PeriodMeta
from serve.kernel.envelope import Day, Output, PageMeta
from serve.kernel.paging import Paged
from serve.kernel.periods import MonthRange, Span

SubjectKind = Literal["campaign", "lead_source", "vehicle"]
FORMULA = {
    "profit_cents": "return_cents - investment_cents",
    "roi": "(return_cents - investment_cents) / investment_cents, over subjects whose return is recorded",
    "payback_months": "whole months from the first investment until all returns so far cover all investments so far",
}


class RoiQuery(Paged):
    timeframe: Literal["1m", "3m", "6m", "12m", "24m", "all", "custom"] | None = Field(
        None,
        description="Calendar months up to the last one with data; 12m unless said. custom takes start and end.",
    )
    start: Day | None = Field(None, description="A day of the first month, with timeframe=custom.")
    end: Day | None = Field(None, description="A day of the last month, with timeframe=custom.")
    subject_kind: SubjectKind | None = Field(None, description="Only subjects of this kind.")
    subject_id: str | None = Field(None, max_length=200, description="Only this subject.")
    sort: str = Field(
        "-profit_cents",
        max_length=200,
        description="investment_cents, return_cents, profit_cents, roi, payback_months, subject_name; "
        "a minus for descending.",
    )

    def months(self) -> MonthRange:
        return MonthRange(range=self.timeframe, start=self.start, end=self.end)

    def span(self, as_of: date) -> Span:
        return self.months().span(as_of)


class Returns(Output):
    investment_cents: int = Field(examples=[100_000])
    return_cents: int | None = Field(description="Empty where no return can be traced.", examples=[250_000])
    profit_cents: int | None = Field(examples=[150_000])
    roi: float | None = Field(
        description="A ratio: 1.5 means 1.50 gained for every 1.00 invested.", examples=[1.5]
    )


class KindReturns(Returns):
    subject_kind: SubjectKind
    subject_count: int = Field(examples=[4])
    untraced_investment_cents: int = Field(
        description="Part of the investment whose return is not recorded; not in profit and ROI.",
        examples=[0],
    )


class SubjectReturns(Returns):
    subject_kind: SubjectKind
    subject_id: str = Field(examples=["webinar"])
    subject_name: str = Field(examples=["Webinar"])
    payback_months: int | None = Field(
        description="Over the subject's whole life; empty while it has not paid back.", examples=[3]
    )


class Formula(Output):
    profit_cents: str = Field(examples=[FORMULA["profit_cents"]])
    roi: str = Field(examples=[FORMULA["roi"]])
    payback_months: str = Field(examples=[FORMULA["payback_months"]])


class RoiRead(Output):
    formula: Formula
    totals: list[KindReturns] = Field(
        description="By kind: a vehicle and a campaign may count the same euro twice."
    )
    rows: list[SubjectReturns]


class RoiMeta(PeriodMeta, PageMeta):
    pass
