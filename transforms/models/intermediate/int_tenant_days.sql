select
    tenant_id,
    cast(unnest(generate_series(data_from_date, data_until_date, interval 1 day)) as date) as date
from {{ ref('int_tenant_clock') }}
