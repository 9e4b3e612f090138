select
    * exclude (_source, _load, _change_xid, _deleted, merged_into_id),
    {{ utc_date('opened_at') }} as opened_date,
    {{ utc_date('resolved_at') }} as resolved_date,
    {{ hours_between('opened_at', 'first_response_at') }} as first_response_hours,
    {{ hours_between('opened_at', 'resolved_at') }} as resolution_hours,
    status in ('open', 'pending') as is_open
from {{ ref('stg_tickets') }}
-- What was merged is told once, by the ticket that it became part of.
where merged_into_id is null
