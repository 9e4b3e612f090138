select
    requests.* exclude (_source, _load, _change_xid, _deleted),
    contacts.account_id,
    {{ utc_date('coalesce(requests.sent_at, requests.answered_at)') }} as asked_date,
    {{ utc_date('requests.answered_at') }} as answered_date,
    requests.status = 'answered' as is_answered,
    requests.rating >= 4 as is_good,
    {{ hours_between('requests.sent_at', 'requests.answered_at') }} as answer_hours
from {{ ref('stg_review_requests') }} as requests
left join {{ ref('stg_contacts') }} as contacts
    on requests.tenant_id = contacts.tenant_id and requests.contact_id = contacts.contact_id
