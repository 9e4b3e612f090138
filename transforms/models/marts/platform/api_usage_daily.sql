select
    tenant_id,
    requested_date as date,
    route,
    count(*) as request_count,
    count(*) filter (where is_error) as error_count,
    median(duration_ms) as p50_ms,
    quantile_cont(duration_ms, 0.95) as p95_ms
from {{ ref('fct_api_requests') }}
group by all
