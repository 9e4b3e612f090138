"""Which column of a file is which field. Plain functions: no file is read here and no row.

A column is its field's name, written with spaces, capitals or camelCase if people like; what the client says of it
comes first. What merely looks alike is suggested, and never taken.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import Field
from rapidfuzz import fuzz, process, utils

from serve.kernel.envelope import Input
from serve.kernel.errors import Invalid
from serve.kernel.resources.files.limits import plain
from serve.kernel.resources.files.rejects import COLUMN as REASONS

Unknown = Literal["refuse", "ignore", "attributes"]
How = Literal["mapping", "name", "attributes", "left_out", "unknown"]

ATTRIBUTES = "attributes"
MOST_ATTRIBUTES = 200
LONGEST_KEY = 200
MOST_VALUES = 1000
LIKELY = 80
"""From 0 to 100: how alike a column and a field must be for one to be suggested."""

OTHER_WORDS = {
    "company": ("firma", "organisation", "organization", "employer"),
    "email": ("mail", "e_mail_address"),
    "external_id": ("id", "number", "customer_number", "kundennummer"),
    "full_name": ("name", "contact_person", "ansprechpartner"),
    "phone": ("telephone", "telefon", "mobile", "cell"),
    "postcode": ("zip", "zip_code", "postal_code", "plz"),
    "city": ("town", "ort", "stadt"),
    "country": ("land",),
    "job_title": ("position", "role"),
}
"""What people call fields that is not like their names at all."""


class UnknownColumns(Invalid):
    code, message = "UNKNOWN_COLUMNS", "The columns of the file do not fit."


class ColumnRule(Input):
    """What a column is, and what its cells mean."""

    field: str | None = Field(
        None, max_length=300, description="Where it goes; without one, where its name says."
    )
    values: dict[str, Any] = Field(
        {},
        max_length=MOST_VALUES,
        description="By what a cell says: the value that it means. What is not named here stays as it is.",
        examples=[{"0": "new", "1": "won", "Select": None}],
    )


ColumnRules = dict[str, str | ColumnRule | None]
"""What a client says of columns: a field, a rule, or null to leave one out."""


@dataclass(slots=True)
class Plan:
    """What becomes of each column; ``wrong`` is what keeps the file from being taken in."""

    fields: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, str] = field(default_factory=dict)
    """Columns that are kept among the attributes of a row, and their names there."""
    values: dict[str, dict[str, Any]] = field(default_factory=dict)
    defaults: dict[str, Any] = field(default_factory=dict)
    ignored: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    wrong: list[tuple[str, str]] = field(default_factory=list)

    def as_params(self) -> dict[str, Any]:
        """For the task that takes the rows in."""
        return {
            "fields": self.fields,
            "attributes": self.attributes,
            "values": self.values,
            "defaults": self.defaults,
        }

    def how(self, column: str, mapping: Mapping[str, Any]) -> How:
        if column in self.unknown:
            return "unknown"
        if column in self.ignored:
            return "left_out"
        if column in self.attributes:
            return "attributes"
        return "mapping" if column in mapping else "name"


def matched(
    found: Sequence[str],
    mapping: ColumnRules,
    *,
    columns: Sequence[str],
    read_only: Collection[str],
    needed: Sequence[str],
    unknown: Unknown,
    defaults: Mapping[str, Any],
) -> Plan:
    """The plan for a file with the columns ``found``; ``columns`` are the fields, ``needed`` what must be there."""
    plan = Plan(defaults=dict(defaults))
    plan.wrong += [
        (f"mapping.{column}", f"is no column of the file; it has: {', '.join(found)}")
        for column in mapping
        if column not in found
    ]
    listed = ", ".join(columns)
    plan.wrong += [
        (f"defaults.{name}", f"is no field; there are: {listed}") for name in defaults if name not in columns
    ]
    keeps = ATTRIBUTES in columns
    for column in found:
        said = mapping.get(column)
        if isinstance(said, ColumnRule):
            if said.values:
                plan.values[column] = said.values
            # A rule without a field is about the cells alone.
            name: str | None = said.field if said.field is not None else plain(column)
        else:
            name = said if column in mapping else plain(column)
        if column == REASONS or name is None or (name in read_only and column not in mapping):
            plan.ignored.append(column)
        elif keeps and name.startswith(f"{ATTRIBUTES}."):
            plan.attributes[column] = name.removeprefix(f"{ATTRIBUTES}.")
        elif name in plan.fields.values():
            plan.wrong.append(
                ("file", f"several columns are the field {name!r}: leave one out by the mapping")
            )
        elif name in columns:
            plan.fields[column] = name
        elif column in mapping and not (isinstance(said, ColumnRule) and said.field is None):
            plan.wrong.append((f"mapping.{column}", f"{name!r} is no field; there are: {listed}"))
        else:
            plan.unknown.append(column)
    _place(plan, found, unknown, columns)
    named = {*plan.fields.values(), *defaults}
    plan.missing = [name for name in needed if name not in named]
    if plan.missing:
        plan.wrong.append(("file", f"has no column for {', '.join(plan.missing)}; it has {', '.join(found)}"))
    return plan


def _place(plan: Plan, found: Sequence[str], unknown: Unknown, columns: Sequence[str]) -> None:
    """What is no field: left out, kept among the attributes, or wrong."""
    if unknown == "ignore":
        plan.ignored += plan.unknown
        plan.unknown = []
    elif unknown == "attributes":
        if ATTRIBUTES not in columns:
            plan.wrong.append(("unknown_columns", "rows of this kind have no attributes"))
        else:
            plan.attributes |= {column: column for column in plan.unknown}
            plan.unknown = []
    elif plan.unknown:
        plan.wrong.append(
            (
                "file",
                f"has columns that are no fields: {', '.join(plan.unknown)}; it has {', '.join(found)};"
                f" there are {', '.join(columns)}",
            )
        )
    keys = list(plan.attributes.values())
    if len(keys) > MOST_ATTRIBUTES:
        plan.wrong.append(("file", f"has more than {MOST_ATTRIBUTES} columns for attributes"))
    if any(not 1 <= len(key) <= LONGEST_KEY or "\0" in key for key in keys):
        plan.wrong.append(("file", f"names of attributes have 1 to {LONGEST_KEY} characters"))
    if twice := sorted({key for key in keys if keys.count(key) > 1}):
        plan.wrong.append(("mapping", f"several columns are the attribute {', '.join(twice)}"))


def suggested(column: str, fields: Collection[str]) -> tuple[str, float] | None:
    """(the field that the column may be, how alike they are: 0 to 1), or None.

    >>> suggested("E-Mail address", ["full_name", "email"])
    ('email', 1.0)
    >>> suggested("Shoe size", ["full_name", "email"]) is None
    True
    """
    words = {name: name for name in fields}
    for name in fields:
        words |= dict.fromkeys(OTHER_WORDS.get(name, ()), name)
    best = process.extractOne(
        plain(column).replace("_", " "),
        {word: word.replace("_", " ") for word in words},
        scorer=fuzz.token_sort_ratio,
        processor=utils.default_process,
        score_cutoff=LIKELY,
    )
    if best is None:
        return None
    _, likeness, word = best
    return words[word], round(likeness / 100, 2)
