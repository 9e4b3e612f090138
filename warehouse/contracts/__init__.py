"""What a row of each table must look like before it may land: the same for PostgreSQL and for files.

The contracts stand in the ``.yml`` files beside this one, by area; ``docs/architecture.md`` describes the
format. Each bears the name of the table or view of the operational store that it is read from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

TYPES = frozenset({"uuid", "text", "int", "bigint", "double", "bool", "timestamptz", "date", "json"})


class ContractInvalid(ValueError):
    """A contract file says something that we don't understand; the message names table and column."""


@dataclass(frozen=True)
class Column:
    """One column: its type, whether it may be empty, which values it may take (``min``, ``max`` included)."""

    name: str
    type: str
    nullable: bool = False
    min: float | None = None
    max: float | None = None
    one_of: tuple[str, ...] = ()
    unit: str | None = None


@dataclass(frozen=True)
class Contract:
    """One table: its key, its columns in order, and the column whose day files a row (None: its landing).

    ``deleted_from`` names the tables whose tombstones are deletions here: the table itself, or a view's.
    """

    name: str
    key: tuple[str, ...]
    day: str | None
    columns: Mapping[str, Column]
    deleted_from: tuple[str, ...]


@cache
def load_contracts() -> Mapping[str, Contract]:
    """Every contract by table name. Raises ContractInvalid."""
    contracts: dict[str, Contract] = {}
    for path in sorted(Path(__file__).parent.glob("*.yml")):
        for name, given in yaml.safe_load(path.read_text(encoding="utf-8")).items():
            if name in contracts:
                raise ContractInvalid(f"{name}: described twice, again in {path.name}")
            contracts[name] = parse_contract(name, given)
    return MappingProxyType(contracts)


def parse_contract(name: str, given: Mapping[str, Any]) -> Contract:
    """A contract from its YAML. Raises ContractInvalid."""
    _refuse_unknown(name, given, {"key", "day", "columns", "deleted_from"})
    columns = {
        column: parse_column(name, column, words) for column, words in given.get("columns", {}).items()
    }
    key, day = tuple(given.get("key", ())), given.get("day")
    if not key or not columns.keys() >= {*key, *([day] if day else [])}:
        raise ContractInvalid(f"{name}: key and day must name columns of the table")
    return Contract(name, key, day, MappingProxyType(columns), tuple(given.get("deleted_from", (name,))))


def parse_column(table: str, name: str, given: str | Mapping[str, Any]) -> Column:
    """A column from its YAML: ``uuid?`` alone, or ``{type: uuid?, …}``. Raises ContractInvalid."""
    words: dict[str, Any] = {"type": given} if isinstance(given, str) else {**given}
    _refuse_unknown(f"{table}.{name}", words, {"type", "min", "max", "one_of", "unit"})
    kind = str(words.pop("type", ""))
    if kind.removesuffix("?") not in TYPES:
        raise ContractInvalid(f"{table}.{name}: no such type '{kind}'; there are {', '.join(sorted(TYPES))}")
    one_of = tuple(words.pop("one_of", ()))
    return Column(name, kind.removesuffix("?"), nullable=kind.endswith("?"), one_of=one_of, **words)


def _refuse_unknown(where: str, given: Mapping[str, Any], known: set[str]) -> None:
    if unknown := given.keys() - known:
        raise ContractInvalid(
            f"{where}: unknown word {', '.join(sorted(unknown))}; known: {', '.join(sorted(known))}"
        )
