"""Contract checks as SQL: which rows of a relation keep the contract, and why the others do not."""

from __future__ import annotations

from collections.abc import Iterable

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


def reasons_sql(contract: Contract, given: dict[str, str], *, unique: bool) -> str:
    """A list expression: the reasons why a row breaks the contract; empty for a good row.

    A row marked deleted brings only its key, so only the key is checked. With ``unique`` the second and later rows
    of a key within the relation are bad too.
    """
    terms: list[str] = []
    for column in contract.columns.values():
        for bad, reason in violations(column, given.get(column.name)):
            spared = "" if column.name in contract.key or "_deleted" not in given else "not _deleted and "
            terms.append(f"case when {spared}({bad}) then {literal(reason)} end")
    if unique:
        keys = ", ".join(quoted(name) for name in contract.key)
        duplicate = literal(f"duplicate key: {', '.join(contract.key)}")
        terms.append(f"case when row_number() over (partition by {keys}) > 1 then {duplicate} end")
    return f"list_filter([{', '.join(terms)}], lambda r: r is not null)"
