"""What a mail is to clients."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import EmailStr, Field

from serve.kernel.envelope import Output
from serve.kernel.resources import Fields, read_of
from serve.kernel.resources.schemas import Line

OneLine = Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]


class MailFields(Fields):
    """One mail to one recipient."""

    to_address: EmailStr = Field(max_length=254, examples=["ada@example.org"])
    to_name: OneLine | None = Field(None, examples=["Ada Byron"])
    subject: Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f\x7f]+$")] = Field(
        examples=["Your van is ready"]
    )
    text: Annotated[Line, Field(min_length=1, max_length=200_000)] = Field(
        description="What those read whose program shows no HTML.", examples=["Pick it up until 18:00.\n"]
    )
    html: Annotated[Line, Field(max_length=200_000)] | None = Field(None, examples=[None])
    reply_to: EmailStr | None = Field(
        None, description="Where answers go; that of the settings unless said.", examples=[None]
    )


class AttachmentRead(Output):
    """What goes with a mail."""

    kind: str = Field(description="Where it lies: `file`, `quote_version` …", examples=["quote_version"])
    id: UUID = Field(description="Its id there.")
    name: str = Field(examples=["Q-2026-0001.pdf"])
    media_type: str = Field(examples=["application/pdf"])
    size_bytes: int = Field(examples=[48_213])
    sha256: str = Field(
        description="Of its content. A mail whose attachment has another one is not sent.",
        examples=["9f86d081884c7d65…"],
    )


class MailRead(read_of(MailFields, "MailBase")):  # type: ignore[misc]
    from_address: str = Field(examples=["office@example.org"])
    from_name: str | None = Field(examples=["Example Fleet"])
    message_id: str = Field(
        description="By which mail servers know it; the same however often it is sent.",
        examples=["<019a-1@example.org>"],
    )
    state: Literal["queued", "sending", "sent", "failed", "uncertain", "cancelled"] = Field(
        description="`sent`: the mail server took it. `uncertain`: nobody knows whether it did, so a person decides:"
        " `resend` or `mark-sent`.",
        examples=["sent"],
    )
    transport: Literal["smtp", "outbox"] | None = Field(
        description="`outbox`: no mail server is set, so it was written to a file of this installation.",
        examples=["smtp"],
    )
    attempts: int = Field(examples=[1])
    error: str | None = Field(description="Why it is not sent.", examples=[None])
    not_before: datetime | None = Field(description="When it is tried again.", examples=[None])
    sending_since: datetime | None = Field(description="When the last attempt began.")
    sent_at: datetime | None
    task_id: UUID | None = Field(description="The work that sends it.", examples=[None])
    attachments: list[AttachmentRead] = Field(description="What goes with it.", examples=[[]])
