select
    replies.reply_id,
    replies.tenant_id,
    replies.ticket_id,
    tickets.account_id,
    replies.kind,
    replies.author,
    replies.author_id,
    replies.created_at as replied_at,
    {{ utc_date('replies.created_at') }} as replied_date,
    {{ hours_between('tickets.opened_at', 'replies.created_at') }} as hours_since_opening
from {{ ref('stg_ticket_replies') }} as replies
inner join {{ ref('fct_tickets') }} as tickets
    on replies.tenant_id = tickets.tenant_id and replies.ticket_id = tickets.ticket_id
