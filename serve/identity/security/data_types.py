"""Kinds of data, as an administrator names them: a table, an entity, a domain or an area."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module

from sqlalchemy import Table

from serve.kernel.tables import MODELS, all_tables


@cache
def domains() -> Mapping[str, str]:
    """The domain of each table: ``contacts`` is of ``crm.contacts``."""
    all_tables()
    return {
        each.name: module.removeprefix("serve.")
        for module in MODELS
        for each in vars(import_module(f"{module}.models")).values()
        if isinstance(each, Table)
    }


def tables_of(data_type: str) -> frozenset[str]:
    """The tables of a kind of data: one by its name or entity, or all of a domain or area. Raises ValueError."""
    if data_type in domains():
        return frozenset({data_type})
    entities = {table.info.get("entity"): name for name, table in all_tables().tables.items()}
    if data_type in entities:
        return frozenset({entities[data_type]})
    found = {table for table, domain in domains().items() if data_type in (domain, domain.partition(".")[0])}
    if not found:
        areas = ", ".join(sorted({domain.partition(".")[0] for domain in domains().values()}))
        raise ValueError(f"is no table, entity or domain; areas are {areas}")
    return frozenset(found)


def check_data_type(data_type: str) -> str:
    """Raises ValueError."""
    tables_of(data_type)
    return data_type
