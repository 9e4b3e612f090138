"""What a source profile says: which files, whose data they are, and how their columns become our tables' columns."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from pipelines.sources.sql import SyntaxProblem, column_names, table_names
from warehouse.contracts import Contract, load_contracts
from warehouse.landing.check import literal, quoted

PROFILES = Path(__file__).parent / "profiles"
NAMESPACE = uuid.UUID("6f0d2f0a-8a34-5c0e-9a57-1f6f4f1c2b8e")  # of tenants that come from files
FORMATS = ("csv", "parquet", "xlsx", "jsonl")


class ProfileInvalid(ValueError):
    """A profile says something we don't understand or leaves something out; the message says where."""


@dataclass(frozen=True)
class Tenant:
    """The business whose data the source holds."""

    slug: str
    name: str
    country: str
    timezone: str
    currency: str
    failure_horizon_h: int = 336

    @property
    def id(self) -> uuid.UUID:
        """The same wherever it is asked: in the landing zone and in PostgreSQL."""
        return uuid.uuid5(NAMESPACE, self.slug)

    @property
    def row(self) -> dict[str, Any]:
        """The columns of ``tenants`` that a profile decides."""
        return {"id": str(self.id), "kind": "source", "is_simulated": "false", **vars(self)}


@dataclass(frozen=True)
class Input:
    """Files of one layout. ``paths`` are globs within the source's folder; ``missing`` are words that mean empty."""

    name: str
    paths: tuple[str, ...]
    format: str | None = None  # None: by the file's name
    delimiter: str = ","
    encoding: str = "utf-8"
    missing: tuple[str, ...] = ()
    trailing_delimiter: bool = False  # data lines end with a delimiter that the header lacks
    sheet: str | None = None  # of a workbook; None: the first
    optional: tuple[str, ...] = ()  # columns that some files lack; they read as empty there


@dataclass(frozen=True)
class Table:
    """How rows of one table come from the inputs; expressions are DuckDB SQL over the inputs' columns."""

    name: str
    source: str
    inputs: tuple[str, ...]
    key: tuple[str, ...]
    columns: Mapping[str, str]
    where: str | None
    group_by: str | None
    needed: frozenset[tuple[str | None, str]]  # (input or None, column) that the expressions name

    @property
    def is_grouped(self) -> bool:
        """Whether a row stands for several lines of the files."""
        return self.group_by is not None

    @property
    def driver(self) -> str:
        """The input whose rows become this table's rows; the others are looked up."""
        return self.inputs[0]


@dataclass(frozen=True)
class Profile:
    """One source. ``complete``: its files are always the whole set, so a change replaces what was there before."""

    name: str
    tenant: Tenant
    complete: bool
    snapshot_date: date | None
    inputs: Mapping[str, Input]
    codes: Mapping[str, Mapping[str, str]]
    tables: tuple[Table, ...]
    digest: str = field(repr=False, default="")

    def mappings(self) -> dict[str, list[Table]]:
        """The mappings by table, in the profile's order; a table may be fed by several."""
        grouped: dict[str, list[Table]] = {}
        for table in self.tables:
            grouped.setdefault(table.name, []).append(table)
        return grouped


@cache
def load_profiles(folder: Path = PROFILES) -> Mapping[str, Profile]:
    """Every profile by name, the name of its file. Raises ProfileInvalid."""
    return {
        path.stem: parse_profile(path.stem, path.read_text("utf-8")) for path in sorted(folder.glob("*.yml"))
    }


def parse_profile(name: str, text: str) -> Profile:
    """A profile from its YAML. Raises ProfileInvalid."""
    try:
        given = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ProfileInvalid(f"{name}: no valid YAML: {error}") from None
    known = {"tenant", "delivery", "snapshot_date", "files", "codes", "tables"}
    _only(name, given, known, needs={"tenant", "delivery", "files", "tables"})
    if given["delivery"] not in ("complete", "additions"):
        raise ProfileInvalid(f"{name}: delivery is 'complete' (the whole set each time) or 'additions'")
    words = {"slug": name.replace("_", "-"), **given["tenant"]}
    _only(
        f"{name}, tenant",
        words,
        {*Tenant.__annotations__},
        needs={*Tenant.__annotations__} - {"failure_horizon_h"},
    )
    inputs = {input_name: _input(name, input_name, value) for input_name, value in given["files"].items()}
    context = _Context(name, Tenant(**words), given.get("snapshot_date"), inputs)
    return Profile(
        name=name,
        tenant=context.tenant,
        complete=given["delivery"] == "complete",
        snapshot_date=context.snapshot_date,
        inputs=inputs,
        codes=given.get("codes", {}),
        tables=tuple(_table(context, table) for table in given["tables"]),
        digest=hashlib.sha256(text.encode()).hexdigest(),
    )


@dataclass(frozen=True)
class _Context:
    name: str
    tenant: Tenant
    snapshot_date: date | None
    inputs: Mapping[str, Input]


def _input(profile: str, name: str, given: Any) -> Input:
    words = dict(given) if isinstance(given, dict) else {"path": given}
    where = f"{profile}, files, {name}"
    _only(where, words, {*Input.__annotations__, "path"} - {"name", "paths"}, needs={"path"})
    paths = _list(words.pop("path"))
    if words.get("format") not in (None, *FORMATS):
        raise ProfileInvalid(f"{where}: format is one of {', '.join(FORMATS)}")
    for listed in ("missing", "optional"):
        words[listed] = _list(words.get(listed, ()))
    return Input(name, paths, **words)


def _table(context: _Context, given: Mapping[str, Any]) -> Table:
    name = given.get("table", "?")
    where = f"{context.name}, tables, {name}"
    known = {"table", "from", "where", "group_by", "key", "constants", "columns", "attributes"}
    _only(where, given, known, needs={"table", "from", "key", "columns"})
    contract = load_contracts().get(name)
    if contract is None or name == "tenants":
        raise ProfileInvalid(f"{where}: no such table; there are {', '.join(load_contracts())}")
    columns = {column: str(expression) for column, expression in given["columns"].items()}
    columns |= {column: _literal(value) for column, value in given.get("constants", {}).items()}
    if "attributes" in given:
        columns["attributes"] = _json(given["attributes"])
    columns |= _implied(context, contract, columns)
    if unknown := columns.keys() - contract.columns.keys():
        raise ProfileInvalid(f"{where}: {name} has no column {', '.join(sorted(unknown))}")
    filled = {*columns, "id", "tenant_id", "created_at"}
    if lacking := [c.name for c in contract.columns.values() if not c.nullable and c.name not in filled]:
        raise ProfileInvalid(f"{where}: {name} also needs {', '.join(lacking)}")
    key = _list(given["key"])
    expressions = [*columns.items(), *(("key", part) for part in key)]
    expressions += [(word, given[word]) for word in ("where", "group_by") if given.get(word)]
    return Table(
        name=name,
        source=given["from"],
        inputs=_inputs_in(where, given["from"], context.inputs),
        key=key,
        columns=columns,
        where=given.get("where"),
        group_by=given.get("group_by"),
        needed=frozenset(_needed(where, given["from"], expressions)),
    )


def _implied(context: _Context, contract: Contract, said: Mapping[str, str]) -> dict[str, str]:
    """What every row of the source shares, where the mapping does not say otherwise."""
    implied = {"currency": literal(context.tenant.currency), "attributes": "json_object()"}
    if context.snapshot_date:
        implied["snapshot_date"] = f"date {literal(context.snapshot_date.isoformat())}"
    return {name: sql for name, sql in implied.items() if name in contract.columns and name not in said}


def _json(given: Any) -> str:
    """A JSON object of the listed columns, or of named expressions; what is empty in the source stays empty."""
    pairs = given if isinstance(given, dict) else {name: quoted(name) for name in given}
    return f"json_object({', '.join(f'{literal(name)}, {expression}' for name, expression in pairs.items())})"


def _literal(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else literal(value)


def _needed(where: str, source: str, expressions: Iterable[tuple[str, str]]) -> set[tuple[str | None, str]]:
    """The columns that a mapping names. Raises ProfileInvalid naming the expression that is no SQL."""
    for label, statement in [
        ("from", f"from {source}"),
        *((name, f"select {sql}") for name, sql in expressions),
    ]:
        try:
            column_names(statement)
        except SyntaxProblem as problem:
            raise ProfileInvalid(f"{where}, {label}: {problem}") from None
    return column_names(f"select {', '.join(sql for _, sql in expressions)} from {source}")


def _inputs_in(where: str, source: str, inputs: Iterable[str]) -> tuple[str, ...]:
    """The inputs that a FROM clause names, the driving one first."""
    named = [name for name in table_names(f"select 1 from {source}") if name in inputs]
    if not named:
        raise ProfileInvalid(f"{where}: from names none of the files {', '.join(inputs)}")
    return tuple(dict.fromkeys(named))


def _list(value: Any) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list | tuple) else (str(value),)


def _only(where: str, given: Any, known: Iterable[str], *, needs: Iterable[str] = ()) -> None:
    if not isinstance(given, Mapping):
        raise ProfileInvalid(f"{where}: names and values are expected here")
    if unknown := given.keys() - {*known}:
        raise ProfileInvalid(
            f"{where}: unknown word {', '.join(sorted(unknown))}; known: {', '.join(sorted(known))}"
        )
    if lacking := {*needs} - given.keys():
        raise ProfileInvalid(f"{where}: lacks {', '.join(sorted(lacking))}")
