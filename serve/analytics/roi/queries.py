"""Statements over ``marts.roi``: one, because subjects are few and their sums by kind are theirs added up."""

from __future__ import annotations

from collections.abc import Sequence

from serve.analytics.roi import rules
from serve.analytics.roi.schemas import FORMULA, RoiQuery
from serve.kernel.answers import Answer, Reading
from serve.kernel.paging import order_by, page_meta

_SORT = {
    name: name
    for name in ("investment_cents", "return_cents", "profit_cents", "roi", "payback_months", "subject_name")
}
# The ratio leaves out money whose return nobody recorded: counting it would make an unknown return a zero.
_SUBJECTS = """
    select
        subject_kind,
        subject_id,
        any_value(subject_name) as subject_name,
        cast(sum(investment_cents) as bigint) as investment_cents,
        cast(sum(return_cents) as bigint) as return_cents,
        cast(sum(profit_cents) as bigint) as profit_cents,
        cast(sum(investment_cents) filter (where return_cents is not null) as bigint) as traced_cents,
        sum(profit_cents) / nullif(traced_cents, 0) as roi,
        cast(max(payback_months) as bigint) as payback_months
    from marts.roi
    where month between $start and $end
        and ($subject_kind is null or subject_kind = $subject_kind)
        and ($subject_id is null or subject_id = $subject_id)
    group by subject_kind, subject_id
"""


def roi(reading: Reading, query: RoiQuery) -> Answer:
    limit, offset = query.window()
    span = query.span(reading.as_of)
    order = order_by(query.sort, _SORT, tie="subject_kind, subject_id")
    subjects = reading.rows(
        f"{_SUBJECTS} order by {order}",
        start=span.start,
        end=span.end,
        subject_kind=query.subject_kind,
        subject_id=query.subject_id,
    )
    totals = [
        rules.total(kind, [row for row in subjects if row["subject_kind"] == kind])
        for kind in sorted({row["subject_kind"] for row in subjects})
    ]
    for row in subjects:
        del row["traced_cents"]
    rows: Sequence[dict[str, object]] = subjects[offset : offset + limit]
    meta = {"period": query.months().describe(span), **page_meta((limit, offset), len(subjects))}
    return Answer({"formula": FORMULA, "totals": totals, "rows": rows}, rows, meta)
