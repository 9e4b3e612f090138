"""The words in which a table says what it knows of people, and what becomes of that: see ``registry.py``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Subject = Literal["contact", "lead", "provider", "account", "user", "employee", "address"]
Fate = Literal["blanked", "deleted", "kept"]


@dataclass(frozen=True, slots=True)
class Law:
    """Why rows may not go yet: for so many years after the end of the year of ``since`` (a column of ``table``)."""

    reason: str
    years: int
    table: str
    link: str
    since: str


@dataclass(frozen=True, slots=True)
class Known:
    """``links`` are columns with the id of a person, by kind of person (``*``: of whatever kind the row says);
    ``address`` is one with an e-mail address that makes the row one of that person.

    ``blank`` is SQL for each column that says something of a person. ``unless`` is a law that keeps the ``held``
    columns for a while; ``why`` is what keeps the rest.
    """

    fate: Fate
    links: Mapping[str, str] = field(default_factory=dict)
    address: str | None = None
    blank: Mapping[str, str] = field(default_factory=dict)
    where: str = "true"
    why: str = ""
    unless: Law | None = None
    held: tuple[str, ...] = ()
    stays: tuple[str, ...] = ()
    """Other columns with ids of people: an id stands for nobody once its row is blank."""
    hidden: tuple[str, ...] = ()
    """Not given out: secrets, and what is of others."""
