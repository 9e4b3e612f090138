select
    * exclude (_source, _load, _change_xid, _deleted),
    {{ utc_date('issued_at') }} as issued_date,
    status not in ('draft', 'void') as is_billed,
    case
        when status in ('draft', 'void') then 0
        when is_return then -abs(net_cents)
        else net_cents
    end as revenue_cents,
    {{ hours_between('issued_at', 'paid_at') }} / 24 as days_to_pay
from {{ ref('stg_invoices') }}
