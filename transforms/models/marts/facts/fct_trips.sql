select
    * exclude (_source, _load, _change_xid, _deleted),
    {{ utc_date('started_at') }} as started_date,
    {{ hours_between('started_at', 'ended_at') }} as duration_h,
    idle_s / nullif(3600 * {{ hours_between('started_at', 'ended_at') }}, 0) as idle_share,
    100 * fuel_l / nullif(distance_km, 0) as l_per_100km
from {{ ref('stg_trips') }}
