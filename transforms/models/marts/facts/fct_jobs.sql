select
    * exclude (_source, _load, _change_xid, _deleted)
        replace (coalesce(is_late, completed_at > due_at) as is_late),
    {{ utc_date('requested_at') }} as requested_date,
    {{ utc_date('completed_at') }} as completed_date,
    {{ hours_between('requested_at', 'assigned_at') }} as hours_to_assign,
    {{ hours_between('requested_at', 'completed_at') }} as hours_to_complete,
    price_cents - cost_cents as margin_cents
from {{ ref('stg_jobs') }}
