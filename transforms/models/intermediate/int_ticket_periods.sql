with

noted as (

    select
        changes.tenant_id,
        changes.ticket_id,
        changes.status,
        changes.changed_at as since_at,
        changes.change_id
    from {{ ref('stg_ticket_status_changes') }} as changes
    semi join {{ ref('fct_tickets') }} as tickets
        on changes.tenant_id = tickets.tenant_id and changes.ticket_id = tickets.ticket_id

),

-- Of a ticket whose changes nobody noted its own moments tell.
unnoted as (

    select *
    from {{ ref('fct_tickets') }} as tickets
    anti join noted on tickets.tenant_id = noted.tenant_id and tickets.ticket_id = noted.ticket_id

),

periods as (

    select * from noted
    union all
    select tenant_id, ticket_id, 'open', opened_at, null
    from unnoted
    union all
    select
        tenant_id,
        ticket_id,
        status,
        greatest(coalesce(case status when 'pending' then first_response_at else resolved_at end, opened_at), opened_at),
        ticket_id
    from unnoted
    where status <> 'open'

),

numbered as (

    select
        *,
        row_number() over (
            partition by tenant_id, ticket_id order by since_at, change_id nulls first
        ) as period_no
    from periods

)

select
    tenant_id,
    ticket_id,
    period_no,
    status,
    since_at,
    lead(since_at) over (partition by tenant_id, ticket_id order by period_no) as until_at
from numbered
