"""The expression language of profiles: DuckDB SQL with a few words more."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import duckdb

from warehouse.landing.check import literal, quoted

# A cell that cannot be read stays visible (as its text, or as NaN), so that the contract sets its row apart: were it to
# become empty, a column that may be empty would lose it without a word.
WORDS = {
    "number(x)": "case when x is not null then coalesce(try_cast(x as double), 'nan'::double) end",
    # Through a decimal, so that 1.005 (1.00499999… as a double) makes 101 cents.
    "cents(x)": (
        "coalesce(cast(try_cast(round(try_cast(x as decimal(24, 6)) * 100, 0) as bigint) as varchar),"
        " cast(x as varchar))"
    ),
    "total(x)": (
        "case when count(*) = count(try_cast(x as bigint)) then cast(sum(try_cast(x as bigint)) as varchar)"
        " else 'incomplete' end"
    ),
    "moment(x, formats)": "coalesce(cast(try_strptime(x, formats) as varchar), x)",
}
# RFC 9562 version 5 over the tenant's id and "table key key …": the same row always gets the same id.
HEX = "sha1(from_hex({space}) || encode({name}))"
UUID = (
    "cast(h[1:8] || '-' || h[9:12] || '-5' || h[14:16] || '-' ||"
    " substr('89ab', 1 + cast('0x' || h[17] as integer) % 4, 1) || h[18:20] || '-' || h[21:32] as uuid)"
)
KEYS = 4  # parts that a natural key may have


class SyntaxProblem(ValueError):
    """Not SQL; the message is DuckDB's."""


def teach(
    connection: duckdb.DuckDBPyConnection, tenant_id: uuid.UUID, codes: Mapping[str, Mapping[str, str]]
) -> None:
    """Make the words of profiles known to a connection: ``number cents moment total id`` and the profile's codes.

    ``id(table, key…)`` is the id of the row with that natural key, empty when a part of the key is.
    """
    for signature, body in WORDS.items():
        connection.execute(f"create or replace macro {signature} as {body}")
    overloads = []
    for count in range(1, KEYS + 1):
        parts = [f"k{number}" for number in range(count)]
        name = " || chr(31) || ".join(f"cast({part} as varchar)" for part in ("name", *parts))
        digest = HEX.format(space=literal(tenant_id.hex), name=name)
        overloads.append(f"(name, {', '.join(parts)}) as {UUID.replace('h[', f'({digest})[')}")
    connection.execute(f"create or replace macro id {', '.join(overloads)}")
    for name, values in codes.items():
        pairs = ", ".join(f"{literal(str(key))}: {literal(str(value))}" for key, value in values.items())
        connection.execute(f"create or replace macro {quoted(name)}(x) as map {{{pairs}}}[x]")


def row_id(tenant_id: uuid.UUID, table: str, *key: str) -> uuid.UUID:
    """What ``id(table, key…)`` gives."""
    return uuid.uuid5(tenant_id, chr(31).join((table, *key)))


def column_names(statement: str) -> set[tuple[str | None, str]]:
    """The columns that a statement takes from its tables, each with its table if it says one. Raises SyntaxProblem."""
    found, bound = set(), set()
    for node in _nodes(_tree(statement)):
        bound |= {node["alias"], *node.get("column_name_alias", ())} if node.get("alias") else set()
        if node.get("class") == "COLUMN_REF":
            *table, name = node["column_names"]
            found.add((table[-1] if table else None, name))
        elif node.get("class") == "LAMBDA":
            bound |= {inner["column_names"][-1] for inner in _nodes(node["lhs"]) if "column_names" in inner}
    return {(table, name) for table, name in found if name not in bound and not name.startswith("_")}


def table_names(statement: str) -> list[str]:
    """The tables that a statement reads, in the order of its text. Raises SyntaxProblem."""
    tables = [node for node in _nodes(_tree(statement)) if node.get("type") == "BASE_TABLE"]
    return [node["table_name"] for node in sorted(tables, key=lambda node: node["query_location"])]


@cache
def _parser() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


def _tree(statement: str) -> Any:
    row = _parser().cursor().execute("select json_serialize_sql(?)", [statement]).fetchone()
    assert row is not None
    tree = json.loads(row[0])
    if tree["error"]:
        raise SyntaxProblem(tree["error_message"])
    return tree


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    if isinstance(tree, dict):
        yield tree
    for inner in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from _nodes(inner)
