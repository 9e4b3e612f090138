"""What may be asked of the list of imports."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from serve.kernel.paging import Paged


class ImportsQuery(Paged):
    resource: str | None = Field(
        None, max_length=63, pattern="^[a-z_]+$", description="Only of this table, such as contacts."
    )
    status: Literal["running", "done", "failed"] | None = Field(None, description="Only those in this state.")
