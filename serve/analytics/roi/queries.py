"""Statements over ``marts.roi``."""

from __future__ import annotations

from serve.analytics.roi.schemas import FORMULA, RoiQuery
from serve.kernel.answers import Answer, Reading
from serve.kernel.paging import order_by, page_meta

_SORT = {
    name: name
    for name in ("investment_cents", "return_cents", "profit_cents", "roi", "payback_months", "subject_name")
}
_CHOSEN = """
    from marts.roi
    where month between $start and $end
        and ($subject_kind is null or subject_kind = $subject_kind)
        and ($subject_id is null or subject_id = $subject_id)
"""
# The ratio leaves out money whose return nobody recorded: counting it would make an unknown return a zero.
_SUMS = """
    cast(sum(investment_cents) as bigint) as investment_cents,
    cast(sum(return_cents) as bigint) as return_cents,
    cast(sum(profit_cents) as bigint) as profit_cents,
    sum(profit_cents) / nullif(sum(investment_cents) filter (where return_cents is not null), 0) as roi
"""


def roi(reading: Reading, query: RoiQuery) -> Answer:
    limit, offset = query.window()
    span = query.span(reading.as_of)
    chosen = {
        "start": span.start,
        "end": span.end,
        "subject_kind": query.subject_kind,
        "subject_id": query.subject_id,
    }
    totals = reading.rows(
        f"""
        select
            subject_kind,
            count(distinct subject_id) as subject_count,
            {_SUMS},
            cast(coalesce(sum(investment_cents) filter (where return_cents is null), 0) as bigint)
                as untraced_investment_cents
        {_CHOSEN} group by subject_kind order by subject_kind
        """,
        **chosen,
    )
    rows = reading.rows(
        f"""
        select
            subject_kind, subject_id, any_value(subject_name) as subject_name, {_SUMS},
            cast(max(payback_months) as bigint) as payback_months
        {_CHOSEN} group by subject_kind, subject_id
        order by {order_by(query.sort, _SORT, tie="subject_kind, subject_id")} limit $limit offset $offset
        """,
        **chosen,
        limit=limit,
        offset=offset,
    )
    total = sum(kind["subject_count"] for kind in totals)
    meta = {"period": query.months().describe(span), **page_meta((limit, offset), total)}
    return Answer({"formula": FORMULA, "totals": totals, "rows": rows}, rows, meta)
