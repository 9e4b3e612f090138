"""What a contact is to clients."""

from typing import Annotated
from uuid import UUID

from pydantic import EmailStr, Field

from serve.crm.tags.schemas import Tags
from serve.kernel.resources import Fields
from serve.kernel.resources.schemas import FreeMap, Line


class ContactFields(Fields):
    account_id: UUID | None = Field(None, description="The account where the person is.", examples=[None])
    full_name: Line = Field(min_length=1, max_length=200, examples=["Ada Byron"])
    email: EmailStr | None = Field(None, examples=["ada@example.org"])
    phone: Annotated[Line, Field(max_length=50)] | None = Field(None, examples=["+49 30 901820"])
    job_title: Annotated[Line, Field(max_length=200)] | None = Field(None, examples=["Head of fleet"])
    tags: Tags = Field([], description="A new one becomes part of the vocabulary.", examples=[["vip"]])
    consent_email: bool = Field(False, description="Whether the person agreed to get mail.")
    attributes: FreeMap = Field({}, description="What else you know.", examples=[{"language": "de"}])
