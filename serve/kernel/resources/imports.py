"""Rows from a file: CSV, XLSX or JSON lines, each row like one of a bulk call.

What is wrong with the file as a whole is said at once and nothing is taken in; what is wrong with a row is said of that
row, in the import's own state (``GET /api/v1/imports/{id}``).
"""

# No postponed annotations: they name the models of one resource, which no type checker can follow.
# mypy: disable-error-code="valid-type, attr-defined, arg-type, call-overload"

import asyncio
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Literal, get_args
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response, UploadFile
from pydantic import BaseModel, Field, Json

from serve.kernel.bodies import takes_files
from serve.kernel.db import DatabaseUnavailable, TenantDb, Transaction
from serve.kernel.envelope import Input, Meta, Output, Success
from serve.kernel.errors import BodyTooLarge, Invalid, Malformed, Problem, problems
from serve.kernel.idempotency import KeyOfAnotherRequest, StillRunning
from serve.kernel.ids import uuid7
from serve.kernel.openapi import example_of
from serve.kernel.resources.batches import Readings, read_many, write_many
from serve.kernel.resources.declaration import Resource
from serve.kernel.resources.files import MEDIA_TYPES, ImportFormat
from serve.kernel.resources.files.cells import RowReader
from serve.kernel.resources.files.columns import Column, columns_of
from serve.kernel.resources.files.limits import MOST_ROWS, FileTypeUnknown, FileUnreadable
from serve.kernel.resources.files.readers import Cells, Table, opened
from serve.kernel.resources.files.writers import CsvWriter
from serve.kernel.resources.import_preview import ImportPreview, Mistake, preview_of
from serve.kernel.resources.import_runs import IMPORTERS, KIND, Taking, TooManyImports, check_room, keep
from serve.kernel.resources.matching import ColumnRules, Plan, Unknown, UnknownColumns, matched
from serve.kernel.resources.words import plain as answered
from serve.kernel.resources.words import writing
from serve.kernel.risk import acts
from serve.kernel.tasks import enqueue

Mode = Literal["create", "upsert", "update"]


class ImportForm(Input):
    """The fields of the form."""

    file: UploadFile = Field(
        description=f"CSV (UTF-8 or Windows-1252, any usual delimiter), XLSX (its first sheet) or JSON lines; a header"
        f" and up to {MOST_ROWS:,} rows. What it is is seen from its content."
    )
    mapping: Json[ColumnRules | None] | None = Field(
        None,
        description="JSON object: the field for each column that has another name, `attributes.x` to keep it there as"
        " `x`, null to leave it out; or an object with `field` and `values`, which says what its cells mean.",
        examples=['{"E-Mail": "email", "Converted": {"field": "status", "values": {"1": "qualified"}}}'],
    )
    defaults: Json[dict[str, Any] | None] | None = Field(
        None,
        description="JSON object: fields and their values for every row whose cells say nothing of them.",
        examples=['{"source": "fair"}'],
    )
    mode: Mode = Field(
        "create",
        description="`upsert` changes the row with that `external_id` or creates it; `update` only changes.",
    )
    dry_run: bool = Field(
        False, description="Say what would happen and undo it; rows are looked at 500 at a time."
    )
    unknown_columns: Unknown = Field(
        "refuse",
        description="What becomes of columns that are no fields: `attributes` keeps their cells there, under their"
        " names, where rows have attributes.",
    )


class RowMistake(Mistake):
    line: int = Field(description="Line of the file, or row of the sheet; the first is 1.", examples=[7])


class ImportLine(Output):
    """One import: how far it is, and what came of it."""

    id: UUID
    resource: str = Field(examples=["contacts"])
    filename: str | None = Field(examples=["people.csv"])
    format: ImportFormat
    encoding: str | None = Field(description="How its text was read.", examples=["utf-8"])
    delimiter: str | None = Field(description="Between the cells of a CSV.", examples=[";"])
    ignored_columns: list[str] = Field(
        description="Columns that were left out: stamps and scores, which nobody writes, too.",
        examples=[["id"]],
    )
    mode: Mode
    is_dry_run: bool = Field(examples=[False])
    status: Literal["running", "done", "failed"] = Field(
        description="`failed` is the import as a whole; rows that failed are in `errors`.", examples=["done"]
    )
    row_count: int = Field(examples=[120])
    done_count: int = Field(description="Rows that were looked at so far.", examples=[120])
    created_count: int = Field(examples=[117])
    updated_count: int = Field(examples=[2])
    unchanged_count: int = Field(examples=[0])
    failed_count: int = Field(examples=[1])
    error: str | None = Field(description="Why the import failed.", examples=[None])
    user_id: UUID | None = Field(description="Who sent it.")
    created_at: datetime
    finished_at: datetime | None
    undo_task_id: UUID | None = Field(description="The task that undoes it, or has.")
    undone_at: datetime | None = Field(description="When it was undone, to the last row.")
    removed_count: int = Field(
        description="Rows that it had made and that the undo has deleted.", examples=[0]
    )
    reverted_count: int = Field(
        description="Rows that it had changed and that are what they were.", examples=[0]
    )
    left_count: int = Field(description="Rows that the undo has left as they are.", examples=[0])


class Leftover(Output):
    """A row of the import that the undo has left."""

    id: UUID
    reason: str = Field(examples=["was changed since (contact.updated)"])


class ImportRead(ImportLine):
    errors: list[RowMistake] = Field(
        description="The first 1,000 mistakes; all rejected rows are at `/api/v1/imports/{id}/rejects`."
    )
    left: list[Leftover] = Field(description="The first 1,000 rows that the undo has left, and why.")


def add_calls(router: APIRouter, resource: Resource) -> None:
    if "import" not in resource.calls:
        return
    many = resource.name.replace("_", " ")
    columns = columns_of(resource.fields, resource.fields.model_fields)
    kinds = ", ".join(MEDIA_TYPES[kind].partition(";")[0] for kind in get_args(ImportFormat))
    json_part = {"contentType": "application/json"}
    encoding = {"file": {"contentType": kinds}, "mapping": json_part, "defaults": json_part}
    form_of = {"requestBody": {"content": {"multipart/form-data": {"encoding": encoding}}}}

    def importer(table: Table, params: Mapping[str, Any]) -> Taking:
        reader = RowReader(params, columns, is_text=table.is_text)

        def values(cells: Cells | Problem) -> dict[str, Any] | Problem:
            try:
                return cells if isinstance(cells, Problem) else reader.read(cells)
            except Invalid as problem:
                return problem

        def read(rows: Sequence[Cells | Problem]) -> Readings:
            return read_many(resource, [values(cells) for cells in rows], params["mode"])

        return Taking(read, partial(write_many, resource))

    async def looked_through(form: ImportForm) -> tuple[Table, Plan]:
        mapping = form.mapping or {}
        table = await asyncio.to_thread(opened, form.file.file, [*resource.columns, *mapping])
        plan = matched(
            table.columns,
            mapping,
            columns=[column.name for column in columns],
            read_only=set(resource.columns) - resource.writable,
            needed=_needed(resource, form.mode),
            unknown=form.unknown_columns,
            defaults=form.defaults or {},
        )
        return table, plan

    IMPORTERS[resource.name] = (resource, importer)

    @router.get(
        "/import/template",
        response_class=Response,
        dependencies=[writing(resource)],
        responses={
            200: {
                "description": "A CSV with a header and one row.",
                "content": {"text/csv": {"schema": {"type": "string"}}},
            }
        },
        description=f"A file to begin with: every field of {many} and an example.",
        name=f"{resource.name}.import_template",
    )
    async def template() -> Response:
        name = f'attachment; filename="{resource.name}-template.csv"'
        return Response(
            _template(resource, columns), headers={"Content-Disposition": name}, media_type=MEDIA_TYPES["csv"]
        )

    @router.post(
        "/import/preview",
        response_model=Success[ImportPreview, Meta],
        dependencies=[writing(resource)],
        responses=problems(Malformed, BodyTooLarge, FileTypeUnknown, FileUnreadable, DatabaseUnavailable),
        **acts(risk="read", **form_of),
        description=f"What an import of {many} would make of a file: which column is which field, which may be, and its"
        " first rows as they would be read. Takes the form of an import, and keeps nothing.",
        name=f"{resource.name}.import_preview",
    )
    @takes_files
    async def preview(form: Annotated[ImportForm, Form(media_type="multipart/form-data")]) -> Response:
        table, plan = await looked_through(form)
        shown = await asyncio.to_thread(
            preview_of, resource, table, plan, form.mapping or {}, columns, form.mode
        )
        return answered(shown)

    @router.post(
        "/import",
        status_code=202,
        response_model=Success[ImportRead, Meta],
        dependencies=[writing(resource)],
        responses=problems(
            *(Malformed, BodyTooLarge, FileTypeUnknown, FileUnreadable, UnknownColumns),
            *(TooManyImports, StillRunning, KeyOfAnotherRequest, DatabaseUnavailable),
        ),
        **acts(dry_run=False, **form_of),
        description=f"Take in {many} from a file.\n\nEach row stands for itself: one that fails is reported and the"
        " others stay. The answer comes when the file was looked through; ask `GET /api/v1/imports/{id}` how far it is."
        " In CSV and XLSX an empty cell makes the field empty, or leaves it out if it cannot be.",
        name=f"{resource.name}.import",
    )
    @takes_files
    async def import_rows(
        form: Annotated[ImportForm, Form(media_type="multipart/form-data")],
        request: Request,
        db: TenantDb,
    ) -> Response:
        await check_room(db)
        table, plan = await looked_through(form)
        if plan.wrong:
            raise UnknownColumns(details=plan.wrong)
        row = await _insert(db, resource, form, table, plan.ignored)
        # The bytes have their place before the commit: without the row they are collected.
        storage = request.app.state.files.storage
        await asyncio.to_thread(keep, storage, db.caller.tenant_id, UUID(row["id"]), form.file.file)
        params = {
            "resource": resource.name,
            "known": [*resource.columns, *(form.mapping or {})],
            **plan.as_params(),
            "mode": form.mode,
            "is_dry_run": form.dry_run,
        }
        title = f"Import of {row['filename'] or many}"
        about, count = ("import", row["id"]), table.row_count
        await enqueue(db, KIND, params, title=title, about=about, total_count=count, task_id=row["id"])
        response = answered({**row, "errors": [], "left": []}, status=202)
        response.headers["Location"] = f"/api/v1/imports/{row['id']}"
        return response


def _needed(resource: Resource, mode: Mode) -> list[str]:
    if mode != "create":
        return ["external_id"]
    return [name for name, info in resource.fields.model_fields.items() if info.is_required()]


def _template(resource: Resource, columns: Sequence[Column]) -> bytes:
    examples = example_of(resource.fields)
    shown = {
        name: examples[name]
        for name, info in resource.fields.model_fields.items()
        if info.examples or info.is_required()
    }
    example: BaseModel = resource.fields.model_validate(shown)
    writer = CsvWriter(columns)
    return writer.begin() + writer.rows([example.model_dump()])


SHOWN = ", ".join(ImportLine.model_fields)

_INSERT = f"""
    insert into imports (id, tenant_id, resource, filename, format, encoding, delimiter, ignored_columns, user_id,
        mode, is_dry_run, row_count)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
    returning {SHOWN}
"""


async def _insert(
    db: Transaction, resource: Resource, form: ImportForm, table: Table, ignored: list[str]
) -> dict[str, Any]:
    name = re.sub(r"[\x00-\x1f]", "", form.file.filename or "")[-255:] or None
    row = await db.fetch_one(
        _INSERT,
        *(uuid7(), db.caller.tenant_id, resource.name, name, table.format, table.encoding, table.delimiter),
        *(ignored, db.caller.user_id, form.mode, form.dry_run, table.row_count),
    )
    assert row is not None
    return dict(row)
