{#- Everything dated that says how an account is served, on the moment it became known. -#}
with

jobs as (

    select * from {{ ref('fct_jobs') }}
    where account_id is not null

),

events as (

    select tenant_id, account_id, 'invoice' as kind, issued_at as happened_at, cast(revenue_cents as double) as amount
    from {{ ref('int_invoice_amounts') }}
    where account_id is not null

    union all

    select tenant_id, account_id, 'job', requested_at, null from jobs

    union all

    -- Late is known at the deadline, whenever the job ends.
    select tenant_id, account_id, 'late_job', coalesce(due_at, completed_at), null from jobs
    where is_late and coalesce(due_at, completed_at) is not null

    union all

    select tenant_id, account_id, 'cancelled_job', cancelled_at, null from jobs
    where cancelled_at is not null

    union all

    select tenant_id, account_id, 'rating', completed_at, rating from jobs
    where completed_at is not null and rating is not null

    union all

    select tenant_id, account_id, 'ticket', opened_at, 1 from {{ ref('fct_tickets') }}

    union all

    select tenant_id, account_id, 'ticket_resolved', resolved_at, -1 from {{ ref('fct_tickets') }}
    where resolved_at is not null

    union all

    select tenant_id, account_id, 'message', sent_at, null from {{ ref('fct_messages') }}
    where account_id is not null

    union all

    select tenant_id, account_id, 'failed_payment', paid_at, null from {{ ref('fct_payments') }}
    where status = 'failed'

)

select events.*
from events
inner join {{ ref('int_tenant_clock') }} as clock using (tenant_id)
where events.happened_at <= clock.data_until_at
