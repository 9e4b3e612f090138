"""Actions and batches, as clients read and write them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from serve.kernel.envelope import Input, Output
from serve.kernel.paging import Paged
from serve.kernel.resources.schemas import FreeMap

MOST_OPERATIONS = 50


class ActionsQuery(Paged):
    q: str | None = Field(
        None, min_length=1, max_length=100, description="Words that must all stand in the id or the summary."
    )
    area: str | None = Field(
        None, max_length=63, pattern="^[a-z_0-9]+$", description="What the id begins with, such as contacts."
    )
    risk: Literal["read", "write", "risky"] | None = Field(None, description="Only of this risk.")
    all: bool = Field(False, description="Those too that you may not call.")


class ActionLine(Output):
    """An operation that can be called by its id."""

    id: str = Field(description="For good: paths may change, ids do not.", examples=["contacts.create"])
    area: str = Field(examples=["contacts"])
    summary: str = Field(examples=["A new contact"])
    description: str = Field(examples=["A new contact."])
    risk: Literal["read", "write", "risky"] = Field(
        description="`read` changes nothing; `risky` takes away, changes much at once, reaches outside or"
        " changes who may what.",
        examples=["write"],
    )
    method: str = Field(examples=["POST"])
    path: str = Field(examples=["/api/v1/contacts"])
    permission: str = Field(examples=["contacts:write"])
    is_allowed: bool = Field(description="Whether you have the permission.", examples=[True])
    dry_run: bool = Field(
        description="Whether it can be tried without effect. What only reads has none anyway.",
        examples=[True],
    )
    repeatable: bool = Field(description="Whether an Idempotency-Key makes two calls one.", examples=[True])


class ActionRead(ActionLine):
    """With everything needed to call it."""

    input_schema: dict[str, Any] = Field(
        description="JSON Schema of its parameters: those of path, query and body side by side.",
        examples=[{"type": "object", "properties": {"full_name": {"type": "string"}}}],
    )
    output_schema: dict[str, Any] = Field(
        description="JSON Schema of its answer, `data` and `meta`.", examples=[{"type": "object"}]
    )


class BatchOperation(Input):
    id: str | None = Field(
        None,
        max_length=50,
        pattern=r"^[A-Za-z][A-Za-z0-9_-]*$",
        description="Your word for it, by which later ones refer to its result.",
        examples=["ada"],
    )
    operation_id: str = Field(max_length=100, examples=["contacts.create"])
    params: FreeMap = Field(
        {},
        description="Flat, as the action's `input_schema` says. A text that names an earlier result, `$1.data.id` or"
        " `$ada.data.id`, stands for that value; a first dollar sign is written `$$`.",
        examples=[{"full_name": "Ada Byron"}],
    )
    idempotency_key: str | None = Field(
        None, min_length=1, max_length=255, description="Of this operation alone.", examples=[None]
    )


class Batch(Input):
    operations: list[BatchOperation] = Field(min_length=1, max_length=MOST_OPERATIONS)
    mode: Literal["each", "all"] = Field(
        "each",
        description="`each` stands for itself, and one that fails stops no other; `all` are one transaction, of which"
        " the first failure leaves nothing.",
    )


class BatchError(Output):
    code: str = Field(examples=["CONTACT_NOT_FOUND"])
    message: str = Field(examples=["There is no such contact."])
    details: list[dict[str, str]] = Field(examples=[[]])
    request_id: str = Field(examples=["0b7c-1"])


class BatchResult(Output):
    index: int = Field(description="From 1, as references count.", examples=[1])
    id: str | None = Field(examples=["ada"])
    operation_id: str = Field(examples=["contacts.create"])
    status: int = Field(description="As the operation alone would have answered.", examples=[201])
    data: Any = Field(description="What the operation answers.", examples=[{"full_name": "Ada Byron"}])
    meta: dict[str, Any] = Field(description="What it says beside that.", examples=[{}])
    etag: str | None = Field(description="The version of the row that it answers.", examples=['"2f1"'])
    error: BatchError | None = Field(examples=[None])


class BatchResults(Output):
    mode: Literal["each", "all"]
    dry_run: bool = Field(
        description="Nothing was changed: this is what would have happened.", examples=[False]
    )
    succeeded: int = Field(examples=[1])
    failed: int = Field(examples=[0])
    results: list[BatchResult]
