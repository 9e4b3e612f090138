select
    * exclude (_source, _load, _change_xid, _deleted),
    {{ utc_date('paid_at') }} as paid_date,
    case when status = 'succeeded' then amount_cents else 0 end as received_cents
from {{ ref('stg_payments') }}
