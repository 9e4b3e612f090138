"""Pages of a list: ``page``/``per_page`` and ``limit``/``offset`` are two spellings of one thing."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from serve.kernel.errors import Invalid

MOST_ROWS = 1000
USUAL_ROWS = 20


class Paged(BaseModel):
    """Base of the query parameters of every list."""

    model_config = ConfigDict(extra="ignore")

    page: int | None = Field(None, ge=1, le=1_000_000, description="Page, from 1.")
    per_page: int | None = Field(
        None, ge=1, le=MOST_ROWS, description=f"Rows a page; {USUAL_ROWS} unless said."
    )
    limit: int | None = Field(None, ge=1, le=MOST_ROWS, description="The same as per_page.")
    offset: int | None = Field(None, ge=0, le=1_000_000_000, description="Rows to skip; instead of page.")

    def window(self) -> tuple[int, int]:
        """(limit, offset). Raises Invalid when both spellings are mixed."""
        if self.offset is not None and self.page is not None:
            raise Invalid(details=[("offset", "is another way to say page: send one of them")])
        if self.limit is not None and self.per_page is not None and self.limit != self.per_page:
            raise Invalid(details=[("limit", "is another way to say per_page: send one of them")])
        limit = self.limit or self.per_page or USUAL_ROWS
        return limit, self.offset if self.offset is not None else ((self.page or 1) - 1) * limit


def page_meta(window: tuple[int, int], total: int) -> dict[str, Any]:
    """The fields of PageMeta."""
    limit, offset = window
    return {
        "page": offset // limit + 1 if offset % limit == 0 else None,
        "per_page": limit,
        "total": total,
        "total_pages": -(-total // limit),
        "limit": limit,
        "offset": offset,
    }


def order_by(sort: str, allowed: dict[str, str], *, tie: str) -> str:
    """The ORDER BY list of ``sort=-churn_score,account_name``; empty values last, ``tie`` makes it total.

    ``allowed`` maps the names that clients use to our own column expressions; nothing else reaches SQL.
    Raises Invalid naming the word that cannot be sorted by.
    """
    terms = []
    for word in sort.split(","):
        name = word.strip().removeprefix("-")
        if name not in allowed:
            raise Invalid(details=[("sort", f"cannot sort by {name!r}; use one of: {', '.join(allowed)}")])
        terms.append(f"{allowed[name]} {'desc' if word.strip().startswith('-') else 'asc'} nulls last")
    return ", ".join([*terms, tie])
