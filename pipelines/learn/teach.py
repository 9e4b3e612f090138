"""One question, tenant by tenant: train when due, score with whoever answers, write ``ml.*``.

A tenant whose data cannot carry a model gets no score; the refusal is kept as a card and shown. A tenant that fails
does not stop the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import duckdb
import polars as pl

from ml.questions import Question, answer, learn
from ml.registry import NoModel, Registry
from ml.terms import Context, Refused
from pipelines.transform.warehouse_state import PREDICTIONS

RETRY_AFTER = timedelta(hours=20)  # a refused question is asked again the next night, not every hour


@dataclass(frozen=True)
class Tenant:
    """Whom a model is for."""

    slug: str
    context: Context


@dataclass(frozen=True)
class Outcome:
    """What happened for one tenant: words for people, figures for Dagster."""

    tenant: str
    words: str
    scored: int
    trained: bool = False
    error: str | None = None


def tenants(connection: duckdb.DuckDBPyConnection, run_id: str) -> list[Tenant]:
    """Every tenant with data, at the moment up to which its data is known."""
    rows = connection.execute(
        "select t.tenant_id::varchar, t.slug, t.country, t.currency, t.failure_horizon_h, c.data_until_at"
        " from marts.dim_tenants t join intermediate.int_tenant_clock c using (tenant_id)"
        " where c.data_until_at is not null order by t.slug"
    ).fetchall()
    return [
        Tenant(slug, Context(tenant_id=key, as_of=as_of, data_release=run_id, country=country or "",
                             currency=currency or "", horizon_h=horizon or 336))
        for key, slug, country, currency, horizon, as_of in rows
    ]  # fmt: skip


def is_due(question: Question, tenant: Tenant, registry: Registry, train: str, now: datetime) -> bool:
    """``all``: always; ``missing``: when nobody answers yet and the last refusal is old; ``none``: never."""
    if train != "missing":
        return train == "all"
    name, key = question.name, tenant.context.tenant_id
    if _answers(question, tenant, registry):
        return False
    attempts = [datetime.fromisoformat(card["trained_at"]) for card in registry.history(name, key)]
    refused = registry.champion(name, key) is None  # a damaged champion is replaced at once
    return not (refused and attempts and max(attempts) > now - RETRY_AFTER)


def _answers(question: Question, tenant: Tenant, registry: Registry) -> bool:
    """Whether a sound version of this question answers for the tenant."""
    try:
        registry.load(question.name, tenant.context.tenant_id)
    except NoModel:
        return False
    return True


def ask(
    connection: duckdb.DuckDBPyConnection, question: Question, registry: Registry, *, train: str, run_id: str
) -> Iterator[Outcome]:
    """Train what is due and write every tenant's predictions; yields an outcome a tenant."""
    now = datetime.now(UTC)
    table = question.prediction_table.removeprefix("ml.")
    for tenant in tenants(connection, run_id):
        context = tenant.context
        try:
            frame = read(connection, question.features_table, context.tenant_id)
            if frame.is_empty():
                replace(connection, table, context.tenant_id, None)
                continue
            words, trained = "", is_due(question, tenant, registry, train, now)
            if trained:
                learned = learn(question, frame, context, registry, trained_at=now)
                refused = isinstance(learned.outcome, Refused)
                words = f"refused: {learned.outcome.reason}" if refused else learned.decision.why
            predictions = None
            try:
                notice = registry.load(question.name, context.tenant_id).notice
                predictions = answer(question, frame, context, registry)
            except NoModel as missing:
                notice = str(missing) if registry.champion(question.name, context.tenant_id) else None
            words = "; ".join(filter(None, (words, notice)))
            replace(connection, table, context.tenant_id, predictions)
            yield Outcome(tenant.slug, words, 0 if predictions is None else predictions.height, trained)
        except Exception as error:
            yield Outcome(tenant.slug, f"failed: {error}", 0, error=f"{type(error).__name__}: {error}")


def read(connection: duckdb.DuckDBPyConnection, table: str, tenant_id: str) -> pl.DataFrame:
    """The tenant's rows of a features table; ids and JSON as text, which is how models name things."""
    described = connection.execute(f"describe {table}").fetchall()
    columns = ", ".join(
        f"{name}::varchar as {name}" if kind in ("UUID", "JSON") else name for name, kind, *_ in described
    )
    rows = connection.sql(f"select {columns} from {table} where tenant_id = ?", params=[tenant_id])
    frame = pl.from_arrow(rows.to_arrow_table())
    assert isinstance(frame, pl.DataFrame)
    return frame


def replace(
    connection: duckdb.DuckDBPyConnection, table: str, tenant_id: str, rows: pl.DataFrame | None
) -> None:
    """The tenant's rows in ``ml.<table>`` become these, in one transaction."""
    names = ", ".join(column.split()[0] for column in PREDICTIONS[table].split(","))
    connection.execute("begin")
    connection.execute(f"delete from ml.{table} where tenant_id = ?", [tenant_id])
    if rows is not None and not rows.is_empty():
        connection.register("predictions", rows.to_arrow())
        connection.execute(f"insert into ml.{table} ({names}) select {names} from predictions")
        connection.unregister("predictions")
    connection.execute("commit")


def write_cards(connection: duckdb.DuckDBPyConnection, registry: Registry, run_id: str) -> int:
    """Every version's card into ``ml.model_cards``; returns how many."""
    cards = [registry.model_cards(tenant.context.tenant_id) for tenant in tenants(connection, run_id)]
    for tenant, frame in zip(tenants(connection, run_id), cards, strict=True):
        replace(connection, "model_cards", tenant.context.tenant_id, frame)
    return sum(frame.height for frame in cards)
