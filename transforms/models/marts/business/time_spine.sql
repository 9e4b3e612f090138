select cast(unnest(generate_series(min(data_from_date), max(data_until_date), interval 1 day)) as date) as date
from {{ ref('int_tenant_clock') }}
having count(*) > 0
