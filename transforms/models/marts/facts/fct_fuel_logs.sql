select
    * exclude (_source, _load, _change_xid, _deleted),
    {{ utc_date('filled_at') }} as filled_date,
    price_cents / nullif(litres, 0) as price_per_l_cents
from {{ ref('stg_fuel_logs') }}
