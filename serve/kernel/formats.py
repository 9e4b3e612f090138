"""JSON, CSV or Arrow, as the client's Accept header asks."""

from __future__ import annotations

import csv
import io
import re
import types
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin
from uuid import UUID

import orjson
import pyarrow as pa
from pydantic import BaseModel

from serve.kernel.errors import NotAcceptable

Format = Literal["json", "csv", "arrow"]
MEDIA_TYPES: dict[Format, str] = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "arrow": "application/vnd.apache.arrow.stream",
}
_NAMES: dict[str, Format] = {
    "application/json": "json",
    "application/problem+json": "json",  # the client's wish for failures; a success is ordinary JSON
    "application/*": "json",
    "*/*": "json",
    "text/csv": "csv",
    "text/*": "csv",
    "application/vnd.apache.arrow.stream": "arrow",
}
Row = dict[str, Any]
F = TypeVar("F", bound=str)
_FORMULA = re.compile(r"'*[=+\-@\t\r]")


def negotiate(accept: str | None) -> Format:
    """The format of an answer. Raises NotAcceptable."""
    return best_of(accept, _NAMES, kinds=MEDIA_TYPES.values())


def best_of(accept: str | None, names: Mapping[str, F], *, kinds: Iterable[str]) -> F:
    """The acceptable format with the highest weight, the first named among equals.

    ``names`` maps media types to formats; ``kinds`` are what a refusal tells of. Raises NotAcceptable.
    """
    best: F | None = None
    best_weight = 0.0
    for part in (accept or "*/*").split(","):
        name, *parameters = (word.strip().lower() for word in part.split(";"))
        weight = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    weight = float(parameter[2:])
                except ValueError:
                    weight = 0.0
        if name in names and weight > best_weight:
            best, best_weight = names[name], weight
    if best is None:
        listed = ", ".join(kind.partition(";")[0] for kind in kinds)
        raise NotAcceptable(f"None of the formats in Accept can be produced here. There are: {listed}.")
    return best


def to_csv(columns: Sequence[str], rows: Iterable[Row]) -> bytes:
    """RFC 4180, UTF-8. Text that a spreadsheet would run as a formula gets a leading apostrophe; numbers stay."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(row[name]) for name in columns])
    return out.getvalue().encode("utf-8")


def disarm(text: str) -> str:
    """Text that no spreadsheet runs as a formula: behind an apostrophe where it would. ``rearm`` undoes it exactly.

    >>> disarm("=cmd()"), disarm("'=x"), disarm("it's")
    ("'=cmd()", "''=x", "it's")
    """
    return f"'{text}" if _FORMULA.match(text) else text


def rearm(text: str) -> str:
    """
    >>> rearm("'+49 30"), rearm("'tis")
    ('+49 30', "'tis")
    """
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return disarm(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime | date | list | dict):
        return _text(value)
    return value


def _text(value: Any) -> str:
    """As in the JSON answer; a text without its quotes."""
    written = orjson.dumps(value, option=orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC).decode()
    return written.strip('"') if written.startswith('"') else written


def to_arrow(schema: pa.Schema, rows: Sequence[Row]) -> bytes:
    """An Arrow IPC stream of the rows in the given schema."""
    columns = []
    for field in schema:
        values = [row[field.name] for row in rows]
        if pa.types.is_string(field.type):
            values = [value if value is None or isinstance(value, str) else _text(value) for value in values]
        elif pa.types.is_floating(field.type):
            values = [None if value is None else float(value) for value in values]
        columns.append(pa.array(values, type=field.type))
    return arrow_bytes(pa.Table.from_arrays(columns, schema=schema))


def arrow_bytes(table: pa.Table) -> bytes:
    """An Arrow IPC stream of the table."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


_ARROW: dict[Any, pa.DataType] = {
    bool: pa.bool_(),
    int: pa.int64(),
    float: pa.float64(),
    date: pa.date32(),
    datetime: pa.timestamp("us", tz="UTC"),
    UUID: pa.string(),
}


def arrow_schema(model: type[BaseModel]) -> pa.Schema:
    """The columns of a row model; nested values travel as JSON text, as they do in CSV."""
    return pa.schema([(name, _arrow_type(field.annotation)) for name, field in model.model_fields.items()])


def _arrow_type(annotation: Any) -> pa.DataType:
    origin = get_origin(annotation)
    if origin is Annotated:
        return _arrow_type(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        inner = [each for each in get_args(annotation) if each is not type(None)]
        return _arrow_type(inner[0]) if len(inner) == 1 else pa.string()
    return _ARROW.get(annotation, pa.string())
