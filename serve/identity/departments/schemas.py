"""What a department is to clients."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from serve.kernel.resources import Fields
from serve.kernel.resources.schemas import Line


class DepartmentFields(Fields):
    name: Line = Field(min_length=1, max_length=200, description="Unique.", examples=["Workshop"])
    parent_id: UUID | None = Field(None, description="The department that it is part of.", examples=[None])
    head_id: UUID | None = Field(None, description="The employee who leads it.", examples=[None])
    cost_center: Annotated[Line, Field(max_length=50)] | None = Field(None, examples=["4200"])
    description: Annotated[Line, Field(max_length=2000)] | None = Field(
        None, examples=["Repairs and inspections of our own vans."]
    )
