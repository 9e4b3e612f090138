"""What an import of a file would make of it: its columns, and its first rows as they would be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from pydantic import Field

from serve.kernel.envelope import Output
from serve.kernel.errors import Problem
from serve.kernel.resources.batches import parsed, refused
from serve.kernel.resources.declaration import Resource
from serve.kernel.resources.declaration import values_of as given
from serve.kernel.resources.files import ImportFormat
from serve.kernel.resources.files.cells import RowReader
from serve.kernel.resources.files.columns import Column
from serve.kernel.resources.files.readers import Table
from serve.kernel.resources.import_runs import said_of
from serve.kernel.resources.matching import How, Plan, suggested

SHOWN_ROWS = 10
LOOKED_AT_ROWS = 200
MOST_EXAMPLES = 3
LONGEST_EXAMPLE = 100


class Mistake(Output):
    column: str | None = Field(description="As the file names it.", examples=["E-Mail"])
    field: str | None = Field(examples=["email"])
    code: str = Field(examples=["INVALID"])
    message: str = Field(examples=["is not an address"])


class ColumnShown(Output):
    """A column of the file, and what would become of it."""

    column: str = Field(examples=["E-Mail"])
    how: How = Field(
        description="`name` and `mapping` are fields; `unknown` ones are why the file would be refused.",
        examples=["unknown"],
    )
    field: str | None = Field(
        description="The field, or its name among the attributes (`attributes.shoe`).", examples=[None]
    )
    suggestion: str | None = Field(
        description="For one that is no field: the one that it may be. Say so in the mapping, or not.",
        examples=["email"],
    )
    likeness: float | None = Field(description="How alike they are, 0 to 1.", examples=[0.91])
    examples: list[str] = Field(description="What the first cells say.", examples=[["ada@example.org"]])


class RowShown(Output):
    line: int = Field(examples=[2])
    values: dict[str, Any] | None = Field(
        description="As the row would be sent as JSON; empty when not even that can be said.",
        examples=[{"full_name": "Ada Byron"}],
    )
    mistakes: list[Mistake]


class Refusal(Output):
    field: str = Field(examples=["file"])
    message: str = Field(examples=["has no column for full_name; it has Name, E-Mail"])


class ImportPreview(Output):
    """What would become of the file; nothing of it is kept."""

    format: ImportFormat
    encoding: str | None = Field(description="How its text was read.", examples=["utf-8"])
    delimiter: str | None = Field(description="Between the cells of a CSV.", examples=[";"])
    row_count: int = Field(examples=[120])
    columns: list[ColumnShown]
    fields: list[str] = Field(description="All that there are.", examples=[["full_name", "email"]])
    missing: list[str] = Field(description="Fields that must have a column.", examples=[["full_name"]])
    refusals: list[Refusal] = Field(
        description="Why the import would be refused as a whole; none: it would not."
    )
    rows: list[RowShown] = Field(
        description=f"The first {SHOWN_ROWS} rows. What only the database knows (who is there already, what a row"
        " refers to) says a dry run."
    )


def preview_of(
    resource: Resource,
    table: Table,
    plan: Plan,
    mapping: Mapping[str, Any],
    columns: Sequence[Column],
    mode: str,
) -> dict[str, Any]:
    """Blocks: for threads."""
    examples: dict[str, list[str]] = {name: [] for name in table.columns}
    rows: list[dict[str, Any]] = []
    reader = RowReader(plan.as_params(), columns, is_text=table.is_text)
    for line, cells in islice(table.rows(), LOOKED_AT_ROWS):
        if not isinstance(cells, Problem):
            _note_examples(examples, cells)
        if len(rows) < SHOWN_ROWS:
            rows.append({"line": line, **_row(resource, reader, plan, cells, mode)})
    free = [column.name for column in columns if column.name not in plan.fields.values()]
    shown = []
    for name in table.columns:
        how = plan.how(name, mapping)
        found = suggested(name, free) if how in ("unknown", "attributes") and name not in mapping else None
        shown.append(
            {
                "column": name,
                "how": how,
                "field": f"attributes.{plan.attributes[name]}"
                if how == "attributes"
                else plan.fields.get(name),
                "suggestion": found and found[0],
                "likeness": found and found[1],
                "examples": examples[name],
            }
        )
    return {
        "format": table.format,
        "encoding": table.encoding,
        "delimiter": table.delimiter,
        "row_count": table.row_count,
        "columns": shown,
        "fields": [column.name for column in columns],
        "missing": plan.missing,
        "refusals": [{"field": field, "message": message} for field, message in plan.wrong],
        "rows": rows,
    }


def _row(resource: Resource, reader: RowReader, plan: Plan, cells: Any, mode: str) -> dict[str, Any]:
    values: dict[str, Any] | None = None
    try:
        if isinstance(cells, Problem):
            raise cells
        values = reader.read(cells)
        written = parsed(resource.patch if mode == "update" else resource.fields, values)
        if mode == "create":
            resource.settled(None, given(written, sent_only=False))
    except Problem as problem:
        return {"values": values, "mistakes": said_of(plan.fields, refused(problem)["error"])}
    return {"values": values, "mistakes": []}


def _note_examples(examples: Mapping[str, list[str]], cells: Mapping[str, Any]) -> None:
    for name, cell in cells.items():
        shown = "" if cell is None else str(cell).strip()[:LONGEST_EXAMPLE]
        if shown and name in examples and len(examples[name]) < MOST_EXAMPLES and shown not in examples[name]:
            examples[name].append(shown)
