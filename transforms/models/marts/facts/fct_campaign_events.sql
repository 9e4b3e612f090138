select
    * exclude (_source, _load, _change_xid, _deleted),
    {{ utc_date('happened_at') }} as happened_date
from {{ ref('stg_campaign_events') }}
