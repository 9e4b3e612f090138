select
    * exclude (_source, _load, _change_xid, _deleted),
    {{ utc_date('opened_at') }} as opened_date,
    {{ utc_date('completed_at') }} as completed_date,
    {{ hours_between('started_at', 'completed_at') }} as repair_h,
    labour_cents + parts_cents as total_cents
from {{ ref('stg_work_orders') }}
