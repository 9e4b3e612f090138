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

    -- Whatever became of the job later: it is late from the moment its deadline passes.
    select tenant_id, account_id, 'late_job', due_at, null from jobs
    where due_at is not null and coalesce(least(completed_at, cancelled_at) > due_at, true)

    union all

    select tenant_id, account_id, 'late_job', completed_at, null from jobs
    where due_at is null and is_late and completed_at is not null

    union all

    select tenant_id, account_id, 'cancelled_job', cancelled_at, null from jobs
    where cancelled_at is not null

    union all

    select tenant_id, account_id, 'rating', completed_at, rating from jobs
    where completed_at is not null and rating is not null

    union all

    select tenant_id, account_id, 'ticket', opened_at, 1 from {{ ref('fct_tickets') }}

    union all

    select tenant_id, account_id, 'ticket_resolved', greatest(resolved_at, opened_at), -1 from {{ ref('fct_tickets') }}
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
