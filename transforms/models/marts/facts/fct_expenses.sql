select
    * exclude (_source, _load, _change_xid, _deleted),
    date_trunc('month', spent_date)::date as spent_month
from {{ ref('stg_expenses') }}
