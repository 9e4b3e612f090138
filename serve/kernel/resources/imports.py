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
from typing import Annotated, Any, Literal, get_args
from uuid import UUID

import orjson
from fastapi import APIRouter, Form, Request, Response, UploadFile
from pydantic import BaseModel, Field, Json

from serve.kernel.bodies import takes_files
from serve.kernel.db import DatabaseUnavailable, TenantDb, Transaction
from serve.kernel.envelope import Input, Meta, Output, Success
from serve.kernel.errors import BodyTooLarge, Invalid, Malformed, Problem, problems
from serve.kernel.idempotency import KeyOfAnotherRequest, StillRunning
from serve.kernel.ids import uuid7
from serve.kernel.openapi import example_of
from serve.kernel.resources.batches import Result, put_many
from serve.kernel.resources.declaration import Resource
from serve.kernel.resources.files import MEDIA_TYPES, ImportFormat
from serve.kernel.resources.files.columns import Column, columns_of
from serve.kernel.resources.files.limits import MOST_ROWS, FileTypeUnknown, FileUnreadable, plain
from serve.kernel.resources.files.readers import Cells, Table, opened
from serve.kernel.resources.files.rejects import COLUMN
from serve.kernel.resources.files.writers import CsvWriter
from serve.kernel.resources.import_runs import IMPORTERS, KIND, Take, TooManyImports, check_room, keep
from serve.kernel.resources.words import plain as answered
from serve.kernel.resources.words import writing
from serve.kernel.risk import acts
from serve.kernel.tasks import enqueue

Mode = Literal["create", "upsert", "update"]


class UnknownColumns(Invalid):
    code, message = "UNKNOWN_COLUMNS", "The columns of the file do not fit."


class ImportForm(Input):
    """The fields of the form."""

    file: UploadFile = Field(
        description=f"CSV (UTF-8 or Windows-1252, any usual delimiter), XLSX (its first sheet) or JSON lines; a header"
        f" and up to {MOST_ROWS:,} rows. What it is is seen from its content."
    )
    mapping: Json[dict[str, str | None] | None] | None = Field(
        None,
        description="JSON object: the field for each column that has another name; null leaves a column out.",
    )
    mode: Mode = Field(
        "create",
        description="`upsert` changes the row with that `external_id` or creates it; `update` only changes.",
    )
    dry_run: bool = Field(
        False, description="Say what would happen and undo it; rows are looked at 500 at a time."
    )
    ignore_unknown: bool = Field(False, description="Leave out columns that are no fields.")


class RowMistake(Output):
    line: int = Field(description="Line of the file, or row of the sheet; the first is 1.", examples=[7])
    column: str | None = Field(description="As the file names it.", examples=["E-Mail"])
    field: str | None = Field(examples=["email"])
    code: str = Field(examples=["INVALID"])
    message: str = Field(examples=["is not an address"])


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


class ImportRead(ImportLine):
    errors: list[RowMistake] = Field(
        description="The first 1,000 mistakes; all rejected rows are at `/api/v1/imports/{id}/rejects`."
    )


def add_calls(router: APIRouter, resource: Resource) -> None:
    if "import" not in resource.calls:
        return
    many = resource.name.replace("_", " ")
    columns = columns_of(resource.fields, resource.fields.model_fields)
    kinds = ", ".join(MEDIA_TYPES[kind].partition(";")[0] for kind in get_args(ImportFormat))
    encoding = {"file": {"contentType": kinds}, "mapping": {"contentType": "application/json"}}

    def importer(table: Table, fields: Mapping[str, str], mode: str) -> Take:
        by_column = _by_column(fields, columns)

        def read(cells: Cells | Problem) -> dict[str, Any] | Problem:
            try:
                return (
                    cells
                    if isinstance(cells, Problem)
                    else values_of(cells, by_column, is_text=table.is_text)
                )
            except Invalid as problem:
                return problem

        async def take(db: Transaction, rows: Sequence[Cells | Problem]) -> list[Result]:
            return await put_many(resource, db, [read(cells) for cells in rows], mode)

        return take

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
        "/import",
        status_code=202,
        response_model=Success[ImportRead, Meta],
        dependencies=[writing(resource)],
        responses=problems(
            *(Malformed, BodyTooLarge, FileTypeUnknown, FileUnreadable, UnknownColumns),
            *(TooManyImports, StillRunning, KeyOfAnotherRequest, DatabaseUnavailable),
        ),
        **acts(dry_run=False, requestBody={"content": {"multipart/form-data": {"encoding": encoding}}}),
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
        known = [*resource.columns, *(form.mapping or {})]
        table = await asyncio.to_thread(opened, form.file.file, known)
        fields, ignored = matched(
            table.columns,
            form.mapping or {},
            columns=[column.name for column in columns],
            read_only=set(resource.columns) - resource.writable,
            needed=_needed(resource, form.mode),
            ignore_unknown=form.ignore_unknown,
        )
        row = await _insert(db, resource, form, table, ignored)
        # The bytes have their place before the commit: without the row they are collected.
        storage = request.app.state.files.storage
        await asyncio.to_thread(keep, storage, db.caller.tenant_id, UUID(row["id"]), form.file.file)
        params = {
            "resource": resource.name,
            "known": known,
            "fields": fields,
            "mode": form.mode,
            "is_dry_run": form.dry_run,
        }
        title = f"Import of {row['filename'] or many}"
        about, count = ("import", row["id"]), table.row_count
        await enqueue(db, KIND, params, title=title, about=about, total_count=count, task_id=row["id"])
        response = answered({**row, "errors": []}, status=202)
        response.headers["Location"] = f"/api/v1/imports/{row['id']}"
        return response


def _needed(resource: Resource, mode: Mode) -> list[str]:
    if mode != "create":
        return ["external_id"]
    return [name for name, info in resource.fields.model_fields.items() if info.is_required()]


def matched(
    found: Sequence[str],
    mapping: Mapping[str, str | None],
    *,
    columns: Sequence[str],
    read_only: set[str],
    needed: Sequence[str],
    ignore_unknown: bool,
) -> tuple[dict[str, str], list[str]]:
    """(the field of each column that has one, the columns that are left out). Raises UnknownColumns.

    A column is its field's name, written with spaces, capitals or camelCase if people like; ``mapping`` comes first.
    """
    wrong: list[tuple[str, str]] = [
        (f"mapping.{column}", f"is no column of the file; it has: {', '.join(found)}")
        for column in mapping
        if column not in found
    ]
    wrong += [
        (f"mapping.{column}", f"{field!r} is no field; there are: {', '.join(columns)}")
        for column, field in mapping.items()
        if field is not None and field not in columns
    ]
    fields: dict[str, str] = {}
    ignored: list[str] = []
    unknown: list[str] = []
    for column in found:
        field = mapping[column] if column in mapping else plain(column)
        if field is None or field in read_only or column == COLUMN:
            ignored.append(column)
        elif field in fields.values():
            wrong.append(("file", f"several columns are the field {field!r}: leave one out by the mapping"))
        elif field in columns:
            fields[column] = field
        else:
            unknown.append(column)
    if unknown and not ignore_unknown:
        wrong.append(
            (
                "file",
                f"has columns that are no fields: {', '.join(unknown)}; it has {', '.join(found)};"
                f" there are {', '.join(columns)}",
            )
        )
    if missing := [name for name in needed if name not in fields.values()]:
        wrong.append(("file", f"has no column for {', '.join(missing)}; it has {', '.join(found)}"))
    if wrong:
        raise UnknownColumns(details=wrong)
    return fields, [*ignored, *unknown]


def _by_column(fields: Mapping[str, str], columns: Sequence[Column]) -> dict[str, Column]:
    named = {column.name: column for column in columns}
    return {name: named[field] for name, field in fields.items()}


_NAIVE = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?)?")


_BETWEEN_WORDS = re.compile(r"[;,|]")


def values_of(cells: Cells, by_column: Mapping[str, Column], *, is_text: bool) -> dict[str, Any]:
    """The row as a client would send it as JSON. Raises Invalid."""
    values: dict[str, Any] = {}
    for name, column in by_column.items():
        if not is_text:
            if name in cells:
                values[column.name] = cells[name]
            continue
        text = cells[name]
        if text is None or text == "":
            if column.may_be_empty:
                values[column.name] = None
        elif column.kind == "json":
            try:
                values[column.name] = orjson.loads(text)
            except orjson.JSONDecodeError as error:
                raise Invalid(details=[(column.name, "is not JSON")]) from error
        elif column.kind == "words":
            values[column.name] = [word for part in _BETWEEN_WORDS.split(text) if (word := part.strip())]
        elif column.kind == "moment" and _NAIVE.fullmatch(text):
            values[column.name] = f"{text}{'' if ':' in text else 'T00:00'}Z"  # without a zone it is UTC
        elif column.kind == "text":
            values[column.name] = text
        else:
            values[column.name] = text.strip()
    return values


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
