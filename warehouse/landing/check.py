"""Contract checks as SQL: which rows of a relation keep the contract, and why the others do not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from warehouse.contracts import Column, Contract

SQL_TYPES = {
    "uuid": "uuid",
    "text": "varchar",
    "int": "integer",
    "bigint": "bigint",
    "double": "double",
    "bool": "boolean",
    "timestamptz": "timestamptz",
    "date": "date",
    "json": "json",
}
# PostgreSQL's infinities arrive as moments far outside of any calendar; no source of ours knows such times.
EARLIEST, LATEST = "1800-01-01", "2300-01-01"


def quoted(name: str) -> str:
    """An identifier, safely quoted."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: object) -> str:
    """A number or string from a contract as SQL."""
    return str(value) if isinstance(value, int | float) else "'" + str(value).replace("'", "''") + "'"


def typed(column: Column, given: str | None) -> str:
    """The column's value in the contract's type; ``given`` is its type in the relation, None when it is absent."""
    wanted = SQL_TYPES[column.type]
    if given is None:
        return f"cast(null as {wanted})"
    name = quoted(column.name)
    if given.lower() in (wanted, "timestamp with time zone" if wanted == "timestamptz" else wanted):
        return name
    return f"try_cast({name} as {wanted})"


def violations(column: Column, given: str | None) -> Iterable[tuple[str, str]]:
    """Pairs of (SQL that is true for a bad row, reason)."""
    value = typed(column, given)
    if given is not None and value.startswith("try_cast"):
        yield (
            f"{quoted(column.name)} is not null and {value} is null",
            f"{column.name}: cannot be read as {column.type}",
        )
    if not column.nullable:
        missing = f"{value} is null" if given is None else f"{quoted(column.name)} is null"
        yield missing, f"{column.name}: missing"
    if column.type in ("timestamptz", "date"):
        kind = SQL_TYPES[column.type]
        yield (
            f"not coalesce({value} between {kind} '{EARLIEST}' and {kind} '{LATEST}', true)",
            f"{column.name}: no calendar time",
        )
    if column.type == "double":
        yield f"not coalesce(isfinite({value}), true)", f"{column.name}: not finite"
    if column.min is not None:
        yield f"coalesce({value} < {literal(column.min)}, false)", f"{column.name}: below {column.min}"
    if column.max is not None:
        finite = f" and isfinite({value})" if column.type == "double" else ""  # NaN is above every number
        yield (
            f"coalesce({value} > {literal(column.max)}{finite}, false)",
            f"{column.name}: above {column.max}",
        )
    if column.one_of:
        choices = ", ".join(literal(choice) for choice in column.one_of)
        yield (
            f"coalesce({value} not in ({choices}), false)",
            f"{column.name}: not one of {', '.join(column.one_of)}",
        )


@dataclass(frozen=True)
class Check:
    """A contract as SQL over one relation."""

    bad: str  # true for a row that breaks the contract; cheap, for every row
    reasons: str  # list of reasons; costly, for bad rows only


def check_sql(contract: Contract, given: Mapping[str, str], *, duplicate: str | None = None) -> Check:
    """How to tell good rows from bad.

    A row marked deleted brings only its key, so only the key is checked. ``duplicate`` is a boolean column that marks
    the second and later rows of a key.
    """
    terms: list[tuple[str, str]] = []
    for column in contract.columns.values():
        for bad, reason in violations(column, given.get(column.name)):
            spared = "" if column.name in contract.key or "_deleted" not in given else "not _deleted and "
            terms.append((f"{spared}({bad})", reason))
    if duplicate:
        terms.append((duplicate, f"duplicate key: {', '.join(contract.key)}"))
    listed = ", ".join(f"case when {bad} then {literal(reason)} end" for bad, reason in terms)
    return Check(
        bad=" or ".join(f"({bad})" for bad, _ in terms) or "false",
        reasons=f"list_filter([{listed}], lambda r: r is not null)",
    )
