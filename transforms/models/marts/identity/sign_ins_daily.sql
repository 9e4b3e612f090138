select
    tenant_id,
    signed_in_date as date,
    method,
    outcome,
    count(*) as sign_in_count,
    count(distinct user_id) as people_count
from {{ ref('fct_sign_ins') }}
group by all
