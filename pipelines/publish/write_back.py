"""Copy scores into ``score_batches`` and let the database apply them, each as its own tenant."""

from __future__ import annotations

import duckdb
import psycopg

from warehouse.postgres import Address

SCORES = """
    select s.tenant_id, 'lead' as entity, s.lead_id as entity_id, s.score, s.reasons, s.model_version
    from ml.lead_score s
    union all
    select tenant_id, 'account', account_id, churn_score, reasons, model_version from ml.account_churn
    union all
    select tenant_id, 'vehicle', vehicle_id, failure_score, reasons, model_version from ml.vehicle_failure
"""
BATCH_ROWS = 5_000
KEEP_DAYS = 30


def write_back_scores(
    warehouse: duckdb.DuckDBPyConnection, address: Address, release_id: str
) -> tuple[int, int]:
    """Send every score of the warehouse under this release's name; returns (sent, rows changed).

    Copy, apply and clean-up are one transaction: killed midway nothing happened, run twice the second changes nothing.
    """
    with psycopg.connect(address.url("worker")) as connection, connection.cursor() as cursor:
        cursor.execute("delete from score_batches where release_id = %s", [release_id])
        cursor.execute(
            "delete from score_batches where created_at < now() - make_interval(days => %s)", [KEEP_DAYS]
        )
        columns = "tenant_id, entity, entity_id, score, reasons, model_version, release_id"
        sent = 0
        warehouse.execute(SCORES)
        with cursor.copy(f"copy score_batches ({columns}) from stdin") as copy:
            while rows := warehouse.fetchmany(BATCH_ROWS):
                for tenant_id, entity, entity_id, score, reasons, version in rows:
                    copy.write_row(
                        (tenant_id, entity, entity_id, score, reasons or "[]", version, release_id)
                    )
                sent += len(rows)
        cursor.execute("select apply_score_batch(%s)", [release_id])
        row = cursor.fetchone()
    return sent, int(row[0]) if row else 0
