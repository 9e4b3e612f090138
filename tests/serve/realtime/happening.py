"""Things that happen in the store, as services write them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import orjson
import psycopg

from tests.serve.firm import Firm

_EMIT = """
    insert into events (tenant_id, name, entity_type, entity_id, after, actor_kind)
    select %s, %s, split_part(%s, '.', 1), %s, %s::jsonb || jsonb_build_object('number', n), 'platform'
    from generate_series(1, %s) n
"""


@contextmanager
def transaction(firm: Firm, tenant: UUID) -> Iterator[psycopg.Connection[Any]]:
    """One of the API's role that acts for the tenant."""
    with psycopg.connect(firm.address.url("api")) as connection:
        connection.execute(
            "select set_config('app.tenant_id', %s, true), set_config('app.tenant_ids', %s, true)",
            (str(tenant), str(tenant)),
        )
        yield connection


def emit_in(
    connection: psycopg.Connection[Any],
    tenant: UUID,
    name: str = "workflow.started",
    *,
    count: int = 1,
    about: str | None = None,
    **data: Any,
) -> str:
    """The id of the entity that so many events are about; they are numbered from 1."""
    entity_id = about or str(uuid4())
    connection.execute(_EMIT, (tenant, name, name, entity_id, orjson.dumps(data).decode(), count))
    return entity_id


def emit(firm: Firm, tenant: UUID | None = None, name: str = "workflow.started", **how: Any) -> str:
    """The same in a transaction of its own, for ``a`` unless said."""
    tenant = tenant or firm.a
    with transaction(firm, tenant) as connection:
        return emit_in(connection, tenant, name, **how)
