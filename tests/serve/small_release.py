"""A release small enough to compute its answers by hand: two tenants, 800 days up to Saturday 2026-01-31.

Tenant A runs vehicles and records everything; tenant B sells and records little. ``version`` 2 differs in one number.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import duckdb

from warehouse.releases import ReleaseInfo, publish

A = UUID("aaaaaaaa-0000-7000-8000-000000000001")
B = UUID("bbbbbbbb-0000-7000-8000-000000000002")
UNKNOWN = UUID("cccccccc-0000-7000-8000-000000000003")
"""A tenant that came after the release."""

# i counts days back from the last one.
TABLES = f"""
create table marts.dim_tenants as from (values
    ('{A}'::uuid, 'alpha', 'Alpha Fleet', 'fleet', 'Europe/Berlin', 'EUR', true, date '2026-01-31'),
    ('{B}'::uuid, 'beta', 'Beta Shop', 'source', 'UTC', 'USD', false, null)
) t(tenant_id, slug, name, kind, timezone, currency, is_simulated, data_until);

create table marts.kpi_daily as
select
    '{A}'::uuid as tenant_id,
    date '2026-01-31' - i::int as date,
    (case when i < 30 then 10000 when i < 60 then 8000 else 5000 end)::bigint as revenue_cents,
    4000::bigint as cost_cents,
    revenue_cents - cost_cents as margin_cents,
    margin_cents / revenue_cents as margin_share,
    1::bigint as invoice_count,
    (case when i = 0 then 20 else 10 end)::bigint as job_count,
    9::bigint as completed_job_count,
    (case when i = 0 then 6 else 1 end)::bigint as late_job_count,
    2::bigint as lead_count,
    1::bigint as won_lead_count,
    3::bigint as lost_lead_count,
    0.25 as lead_win_rate,
    12::bigint as active_account_count,
    (case when i < 30 then 50000 else 40000 end)::bigint as mrr_cents,
    3::bigint as open_ticket_count,
    2::bigint as vehicle_count,
    0.5::double as downtime_h,
    100.0::double as distance_km,
    700::bigint as fuel_cost_cents
from range(800) r(i)
union all
select '{B}'::uuid, date '2026-01-31' - i::int, 77, null, null, null, 1, null, null, null, null, null, null, null, null,
    null, null, null, null, null, null
from range(800) r(i);

create table marts.fct_campaign_events as
select '{A}'::uuid as tenant_id, kind, happened_at::timestamptz as happened_at from (values
    ('send', '2026-01-10 08:00Z'), ('send', '2026-01-11 08:00Z'), ('delivery', '2026-01-11 08:00Z'),
    ('delivery', '2026-01-11 08:01Z'), ('open', '2026-01-12 09:00Z'), ('send', '2025-12-20 08:00Z')
) t(kind, happened_at);

create table marts.fct_tickets as
select '{A}'::uuid as tenant_id, opened_at::timestamptz as opened_at, first_response_hours::double
    as first_response_hours, resolved_at::timestamptz as resolved_at, satisfaction::bigint as satisfaction
from (values ('2026-01-05 08:00Z', 2, '2026-01-06 08:00Z', 5), ('2026-01-06 08:00Z', 4, null, 4))
    t(opened_at, first_response_hours, resolved_at, satisfaction);

create table marts.churn_risk as
select tenant_id::uuid as tenant_id, account_id::uuid as account_id, date '2026-01-31' as as_of_date, churn_score,
    risk_band, reasons::json as reasons, mrr_cents::bigint as mrr_cents, revenue_365d_cents::bigint
    as revenue_365d_cents, timestamptz '2026-01-20 10:00:00Z' as last_activity_at, account_name, 'v1' as model_version
from (values
    ('{A}', '0a000000-0000-7000-8000-000000000001', 0.9, 'high',
     '[{{"feature": "days_since_last_invoice", "value": 90, "effect": 1.5}}]', 5000, 60000, 'Omega, Ltd'),
    ('{A}', '0a000000-0000-7000-8000-000000000002', 0.5, 'medium', '[]', 9000, 90000, '=cmd()'),
    ('{A}', '0a000000-0000-7000-8000-000000000003', 0.1, 'low', '[]', -1, 100, null),
    ('{B}', '0b000000-0000-7000-8000-000000000001', 0.7, 'high', '[]', 1, 1, 'Beta client')
) t(tenant_id, account_id, churn_score, risk_band, reasons, mrr_cents, revenue_365d_cents, account_name);

create table marts.revenue_cost_margin as
select '{A}'::uuid as tenant_id, date '2026-01-31' - i::int as date, 'sales' as category,
    10000::bigint as revenue_cents,
    3000::bigint as cost_cents, 7000::bigint as margin_cents from range(20) r(i)
union all
select '{A}'::uuid, date '2026-01-31' - i::int, 'fuel', 0, 1000, -1000 from range(20) r(i)
union all
select '{B}'::uuid, date '2026-01-31', 'sales', 77, null, null;

create table marts.revenue_forecast as
select '{A}'::uuid as tenant_id, date '2026-01-31' + i::int as date, 9000::bigint as forecast_cents,
    8000::bigint as lower_cents, 10000::bigint as upper_cents, 'ets' as model_name, 'v7' as model_version,
    date '2026-02-01' as made_on_date from range(1, 29) r(i);

create table marts.compliance_status as
select '{A}'::uuid as tenant_id, uuid() as document_id, 'vehicle' as subject_kind, uuid() as subject_id, kind,
    date '2026-01-31' + days_left as expires_date, days_left::bigint as days_left, state
from (values ('insurance', 200, 'valid'), ('insurance', 10, 'expiring'), ('inspection', -3, 'expired'),
             ('licence', 90, 'valid')) t(kind, days_left, state);

create table marts.top_clients as
select '{A}'::uuid as tenant_id, uuid() as account_id, rank::bigint as rank, revenue_cents::bigint as revenue_cents,
    (revenue_cents / 2)::bigint as margin_cents, 4::bigint as invoice_count, 0::bigint as return_cents,
    share_of_revenue, account_name, segment
from (values (1, 600, 0.6, 'Big', 'enterprise'), (2, 300, 0.3, 'Mid', 'smb'), (3, 100, 0.1, 'Third', 'enterprise'))
    t(rank, revenue_cents, share_of_revenue, account_name, segment);

create table marts.roi as
select '{A}'::uuid as tenant_id, month, subject_kind, subject_id, subject_name, investment_cents::bigint
    as investment_cents, return_cents::bigint as return_cents, (return_cents - investment_cents)::bigint
    as profit_cents, profit_cents / investment_cents as roi, payback_months::bigint as payback_months
from (values
    (date '2026-01-01', 'lead_source', 'webinar', 'Webinar', 100, 250, 1),
    (date '2025-12-01', 'lead_source', 'webinar', 'Webinar', 100, 50, 1),
    (date '2026-01-01', 'lead_source', 'ads', 'Ads', 200, 100, null),
    (date '2026-01-01', 'vehicle', 'v1', 'B-TL 1', 500, null, null),
    (date '2024-01-01', 'lead_source', 'fair', 'Fair', 999, 999, 0)
) t(month, subject_kind, subject_id, subject_name, investment_cents, return_cents, payback_months);

create table marts.dim_vehicles as
select '{A}'::uuid as tenant_id, vehicle_id::uuid as vehicle_id, registration, 'Ford' as make, 'Transit' as model
from (values ('0f000000-0000-7000-8000-000000000001', 'B-TL 1'), ('0f000000-0000-7000-8000-000000000002', 'B-TL 2'))
    t(vehicle_id, registration);

create table marts.fleet_costs_monthly as
select '{A}'::uuid as tenant_id, vehicle_id::uuid as vehicle_id, month, fuel::bigint as fuel_cents,
    (parts + labour)::bigint as maintenance_cents, parts::bigint as parts_cents, labour::bigint as labour_cents,
    0::bigint as other_cents, (fuel + parts + labour)::bigint as total_cents, km as distance_km,
    total_cents / km as cost_per_km_cents, 4.0::double as downtime_h, 10::bigint as trip_count
from (values
    ('0f000000-0000-7000-8000-000000000001', date '2026-01-01', 1000, 100, 200, 100.0::double),
    ('0f000000-0000-7000-8000-000000000002', date '2026-01-01', 500, 0, 0, null),
    ('0f000000-0000-7000-8000-000000000001', date '2025-12-01', 800, 50, 50, 100.0),
    ('0f000000-0000-7000-8000-000000000001', date '2024-12-01', 9999, 0, 0, 1.0)
) t(vehicle_id, month, fuel, parts, labour, km);

create table marts.fuel_monthly as
select '{A}'::uuid as tenant_id, '0f000000-0000-7000-8000-000000000001'::uuid as vehicle_id, month,
    litres, cost::bigint as cost_cents, km as distance_km, 0.0 as l_per_100km, 0.0 as price_per_l_cents
from (values (date '2026-01-01', 50.0::double, 8000, 500.0::double), (date '2025-12-01', 30.0, 4000, 500.0))
    t(month, litres, cost, km);

create table marts.downtime_monthly as
select '{A}'::uuid as tenant_id, '0f000000-0000-7000-8000-000000000001'::uuid as vehicle_id, date '2026-01-01'
    as month, 100.0::double as downtime_h, 2::bigint as failure_count, 40.0::double as planned_h,
    60.0::double as unplanned_h, 1000.0::double as in_service_h, 0.9::double as availability_share;

create table marts.maintenance_forecast as
select '{A}'::uuid as tenant_id, '0f000000-0000-7000-8000-000000000001'::uuid as vehicle_id,
    timestamptz '2026-02-01 00:00:00Z' as as_of_at, 0.7 as failure_score, 336::bigint as horizon_h,
    'high' as risk_band, '[{{"feature": "vibration_slope_14d", "value": 0.3, "effect": 1.2}}]'::json as reasons,
    90000::bigint as expected_cost_cents, date '2026-02-15' as recommended_by_date, 'B-TL 1' as registration,
    'Ford' as make, 'Transit' as model, 'v3' as model_version;
"""
CARDS = [
    {
        "tenant_id": str(A),
        "question": "revenue_forecast",
        "version": "v7",
        "metrics": {"mase": 0.8},
        "baseline": {"mase": 1.0},
    }
]


def publish_small(releases: Path, scratch: Path, *, version: int = 1) -> ReleaseInfo:
    """Make the release current in ``releases``."""
    warehouse = scratch / f"warehouse-{version}.duckdb"
    with duckdb.connect(str(warehouse)) as conn:
        conn.execute("set timezone = 'UTC'")
        conn.execute("create schema marts")
        conn.execute(TABLES)
        if version == 2:
            conn.execute("update marts.kpi_daily set revenue_cents = 99 where date = '2026-01-31'")
        tables = [name for (name,) in conn.execute("select table_name from duckdb_tables()").fetchall()]
    as_of = datetime(2026, 1, 31, 23, 59, tzinfo=UTC)
    return publish(warehouse, releases, tables=tables, as_of=as_of, run_id=f"test-{version}", cards=CARDS)
