select
    * exclude (_source, _load, _change_xid, _deleted),
    {{ utc_date('requested_at') }} as requested_date,
    status >= 400 as is_error
from {{ ref('stg_api_requests') }}
