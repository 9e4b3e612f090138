select
    * exclude (_source, _load, _change_xid, _deleted),
    {{ utc_date('sent_at') }} as sent_date,
    {{ hours_between('sent_at', 'replied_at') }} as reply_hours,
    direction = 'in' as is_inbound
from {{ ref('stg_messages') }}
