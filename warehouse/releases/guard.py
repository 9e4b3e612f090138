"""Which SQL may run on a release: one SELECT over `marts` views, plain table functions and nothing else.

The second wall. The first is the connection itself (read-only file, no external access, locked configuration);
but that alone would let a statement change its tenant variable or name the schema of unfiltered base tables.
DuckDB's own parser says what a statement refers to, and whatever we do not know is refused.
"""

import functools
import json
import threading
from typing import Any

import duckdb

from warehouse.releases.store import ReleaseError

_RELATIONS = {
    "SELECT_NODE",
    "SET_OPERATION_NODE",
    "RECURSIVE_CTE_NODE",
    "SUBQUERY",
    "JOIN",
    "EXPRESSION_LIST",
    "EMPTY",
}
_TABLE_FUNCTIONS = {"unnest", "range", "generate_series"}
_RELEASE_TABLES = {"info", "cards"}
# Scalar functions that read or change something beside their arguments.
_REFUSED_FUNCTIONS = {
    "current_setting",
    "getenv",
    "nextval",
    "currval",
    "setseed",
    "write_log",
}

_parser: duckdb.DuckDBPyConnection | None = None
_parser_lock = threading.Lock()


class SqlRefused(ReleaseError):
    """The statement does something that a reader of releases may not."""


@functools.lru_cache(maxsize=4096)
def check_select(sql: str) -> None:
    """Return when `sql` may run (0.5 ms the first time, then remembered). Raises SqlRefused."""
    parsed = json.loads(_parse(sql))
    if parsed["error"]:
        raise SqlRefused(f"only a SELECT statement may run here: {parsed['error_message']}")
    if len(parsed["statements"]) != 1:
        raise SqlRefused("only one statement may run at a time")
    _check(parsed["statements"][0]["node"], frozenset())


def _parse(sql: str) -> str:
    global _parser
    with _parser_lock:
        if _parser is None:
            _parser = duckdb.connect(":memory:", config={"threads": "1", "enable_external_access": "false"})
        row = _parser.execute("select json_serialize_sql($sql)", {"sql": sql}).fetchone()
    assert row is not None
    return str(row[0])


def _check(node: Any, names: frozenset[str]) -> None:
    """Walk the tree; `names` are the common table expressions that can be seen from here."""
    if isinstance(node, list):
        for item in node:
            _check(item, names)
    elif isinstance(node, dict):
        if "cte_map" in node:
            names = _check_ctes(node["cte_map"]["map"], names)
        if "sample" in node:  # the mark of everything that stands in a FROM clause
            _check_relation(node, names)
        if node.get("class") == "FUNCTION" and node["function_name"].lower() in _REFUSED_FUNCTIONS:
            raise SqlRefused(f"the function {node['function_name']} may not be used here")
        for key, value in node.items():
            if key == "right" and node["type"] == "RECURSIVE_CTE_NODE":
                _check(value, names | {node["cte_name"].lower()})
            elif key != "cte_map":
                _check(value, names)


def _check_ctes(entries: list[dict[str, Any]], names: frozenset[str]) -> frozenset[str]:
    # In order: a name counts only after its own definition, or it could hide a table of the catalogue.
    for entry in entries:
        _check(entry["value"], names)
        names |= {entry["key"].lower()}
    return names


def _check_relation(node: dict[str, Any], names: frozenset[str]) -> None:
    kind = node["type"]
    if kind == "BASE_TABLE":
        path = [part.lower() for part in node["qualified_name"]["path"]]
        is_known = (
            (len(path) == 1 and path[0] in names)
            or (len(path) == 2 and path[0] == "marts")
            or (len(path) == 2 and path[0] == "release" and path[1] in _RELEASE_TABLES)
        )
        if not is_known:
            raise SqlRefused(f"there is no table {'.'.join(path)} to read")
    elif kind == "TABLE_FUNCTION":
        if node["function"]["function_name"].lower() not in _TABLE_FUNCTIONS:
            raise SqlRefused(f"the function {node['function']['function_name']} may not be read from")
    elif kind not in _RELATIONS:
        raise SqlRefused("only SELECT over tables, subqueries and joins may run here")
