"""A dbt project of five models and eight metrics, and a warehouse small enough to add up by hand."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import duckdb

ACME = uuid.UUID("00000000-0000-7000-8000-00000000000a")
BOLT = uuid.UUID("00000000-0000-7000-8000-00000000000b")
A1, A2, A3, B1 = (uuid.UUID(int=number) for number in (1, 2, 3, 11))
NORTH = uuid.UUID(int=21)
HOSTILE_CITY = "O'Hare; -- $p0_0 {{ Dimension('x') }} \" \\ %s"

ZONES = [(ACME, NORTH, "North")]  # tenant, zone, name
ACCOUNTS = [  # tenant, account, segment, city, seats, since, zone
    (ACME, A1, "smb", "Lyon", 5, date(2023, 3, 1), NORTH),
    (ACME, A2, "enterprise", HOSTILE_CITY, 50, date(2023, 6, 15), None),
    (ACME, A3, None, None, None, None, None),
    (BOLT, B1, "smb", "Lyon", 5, date(2023, 3, 1), NORTH),
]
INVOICES = [  # tenant, account, issued, net
    (ACME, A2, date(2024, 1, 31), 500),
    (ACME, A1, date(2024, 2, 28), 20),
    (ACME, A1, date(2024, 2, 29), 30),
    (ACME, A2, date(2024, 12, 15), 400),
    (ACME, A1, date(2025, 1, 10), 100),
    (ACME, A2, date(2025, 1, 31), 1000),
    (ACME, A1, date(2025, 2, 10), 200),
    (ACME, A1, date(2025, 2, 28), 100),
    (ACME, A3, date(2025, 2, 28), 7),
    (BOLT, B1, date(2025, 1, 10), 9999),
]
JOBS = [  # tenant, account, requested, cost
    (ACME, A1, date(2025, 1, 2), 60),
    (ACME, A1, date(2025, 1, 3), 140),
    (ACME, A2, date(2025, 2, 3), 1500),
    (BOLT, B1, date(2025, 2, 3), 1),
]
TABLES = ("dim_accounts", "dim_zones", "fct_invoices", "fct_jobs")
SHARED = ("dim_dates",)

PROJECT = {
    "dbt_project.yml": """
name: toy
version: "1.0.0"
config-version: 2
profile: toy
""",
    "profiles.yml": """
toy:
  target: dev
  outputs:
    dev: {type: duckdb, path: "elsewhere.duckdb", schema: elsewhere}
""",
    "models/dim_accounts.sql": "select 1 as account_id",
    "models/dim_zones.sql": "select 1 as zone_id",
    "models/fct_invoices.sql": "select 1 as invoice_id",
    "models/fct_jobs.sql": "select 1 as job_id",
    "models/dim_dates.sql": "select date '2024-01-01' as date_day",
    "models/metrics.yml": """
models:
  - name: dim_dates
    time_spine: {standard_granularity_column: date_day}
    columns: [{name: date_day, granularity: day}]

semantic_models:
  - name: accounts
    model: ref('dim_accounts')
    entities:
      - {name: account, type: primary, expr: account_id}
      - {name: zone, type: foreign, expr: zone_id}
    dimensions:
      - {name: segment, type: categorical, label: Segment, description: Size of the client.}
      - {name: city, type: categorical}
      - {name: seats, type: categorical}
      - {name: since_date, type: time, type_params: {time_granularity: day}}
  - name: zones
    model: ref('dim_zones')
    entities: [{name: zone, type: primary, expr: zone_id}]
    dimensions: [{name: zone_name, type: categorical}]
  - name: invoices
    model: ref('fct_invoices')
    defaults: {agg_time_dimension: issued_date}
    entities:
      - {name: invoice, type: primary, expr: invoice_id}
      - {name: account, type: foreign, expr: account_id}
    dimensions: [{name: issued_date, type: time, type_params: {time_granularity: day}}]
    measures:
      - {name: net_cents, agg: sum}
      - {name: invoice_count, agg: sum, expr: "1"}
  - name: jobs
    model: ref('fct_jobs')
    defaults: {agg_time_dimension: requested_month}
    entities:
      - {name: job, type: primary, expr: job_id}
      - {name: account, type: foreign, expr: account_id}
    dimensions:
      - name: requested_month
        type: time
        expr: date_trunc('month', requested_date)
        type_params: {time_granularity: month}
    measures:
      - {name: job_count, agg: sum, expr: "1"}
      - {name: cost_cents, agg: sum}

metrics:
  - name: revenue_cents
    label: Revenue
    description: Net invoiced.
    type: simple
    type_params: {measure: net_cents}
    config: {meta: {unit: cents}}
  - {name: invoice_count, label: Invoices, type: simple, type_params: {measure: invoice_count}}
  - name: job_count
    label: Jobs
    type: simple
    type_params: {measure: {name: job_count, fill_nulls_with: 0, join_to_timespine: true}}
  - {name: cost_cents, label: Cost, type: simple, type_params: {measure: cost_cents}}
  - name: mean_invoice_cents
    label: Mean invoice
    type: ratio
    type_params: {numerator: revenue_cents, denominator: invoice_count}
  - name: margin_cents
    label: Margin
    type: derived
    type_params: {expr: revenue_cents - cost_cents, metrics: [revenue_cents, cost_cents]}
  - {name: revenue_to_date_cents, label: To date, type: cumulative, type_params: {measure: net_cents}}
  - name: enterprise_revenue_cents
    label: Enterprise revenue
    type: simple
    type_params: {measure: net_cents}
    filter: "{{ Dimension('account__segment') }} = 'enterprise'"
""",
}


def semantic_manifest(folder: Path, project: Mapping[str, str] = PROJECT) -> Path:
    """What `dbt parse` makes of the project."""
    for name, text in project.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    subprocess.run(
        [
            sys.executable,
            "-c",
            "from dbt.cli.main import cli; cli()",
            "--quiet",
            "parse",
            "--profiles-dir",
            ".",
        ],
        cwd=folder,
        check=True,
        # dbt in this process may have been told where another project is.
        env={name: value for name, value in os.environ.items() if not name.startswith("DBT_")}
        | {"DO_NOT_TRACK": "1"},
    )
    return folder / "target" / "semantic_manifest.json"


def fill(warehouse: Path) -> None:
    with duckdb.connect(str(warehouse)) as conn:
        conn.execute("create schema marts")
        conn.execute(
            "create table marts.dim_accounts (tenant_id uuid, account_id uuid, segment text, city text, seats int,"
            " since_date date, zone_id uuid)"
        )
        conn.executemany("insert into marts.dim_accounts values (?, ?, ?, ?, ?, ?, ?)", ACCOUNTS)
        conn.execute("create table marts.dim_zones (tenant_id uuid, zone_id uuid, zone_name text)")
        conn.executemany("insert into marts.dim_zones values (?, ?, ?)", ZONES)
        conn.execute(
            "create table marts.fct_invoices (tenant_id uuid, account_id uuid, issued_date date, net_cents bigint,"
            " invoice_id uuid default uuid())"
        )
        conn.executemany(
            "insert into marts.fct_invoices (tenant_id, account_id, issued_date, net_cents) values (?, ?, ?, ?)",
            INVOICES,
        )
        conn.execute(
            "create table marts.fct_jobs (tenant_id uuid, account_id uuid, requested_date date, cost_cents bigint,"
            " job_id uuid default uuid())"
        )
        conn.executemany(
            "insert into marts.fct_jobs (tenant_id, account_id, requested_date, cost_cents) values (?, ?, ?, ?)",
            JOBS,
        )
        conn.execute(
            "create table marts.dim_dates as select date_day::date as date_day"
            " from generate_series(date '2024-01-01', date '2025-12-31', interval 1 day) s(date_day)"
        )
