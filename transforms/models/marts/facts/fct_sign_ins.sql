select
    * exclude (_source, _load, _change_xid, _deleted),
    {{ utc_date('happened_at') }} as signed_in_date,
    outcome = 'succeeded' as has_succeeded
from {{ ref('stg_sign_ins') }}
