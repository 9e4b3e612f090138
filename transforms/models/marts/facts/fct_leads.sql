select
    * exclude (_source, _load, _change_xid, _deleted),
    case when snapshot_date is null then {{ utc_date('created_at') }} end as created_date,
    {{ hours_between('created_at', 'first_replied_at') }} as reply_hours,
    coalesce(won_at, lost_at) as closed_at,
    case status when 'won' then true when 'lost' then false end as is_won,
    company is not null as is_company,
    snapshot_date is not null as is_snapshot
from {{ ref('stg_leads') }}
