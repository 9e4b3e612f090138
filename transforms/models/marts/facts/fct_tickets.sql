select
    * exclude (_source, _load, _change_xid, _deleted),
    {{ utc_date('opened_at') }} as opened_date,
    {{ hours_between('opened_at', 'first_response_at') }} as first_response_hours,
    {{ hours_between('opened_at', 'resolved_at') }} as resolution_hours,
    status in ('open', 'pending') as is_open
from {{ ref('stg_tickets') }}
