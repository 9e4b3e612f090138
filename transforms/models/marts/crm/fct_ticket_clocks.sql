{%- set clocks = [('first_reply', 'first_response_at'), ('resolution', 'resolved_at')] -%}
with

paused as (

    select
        periods.tenant_id,
        periods.ticket_id,
        {%- for clock, stopped_at in clocks %}
        sum(greatest(
            epoch_us(least(
                coalesce(periods.until_at, clock.data_until_at),
                coalesce(tickets.{{ stopped_at }}, clock.data_until_at)
            )) - epoch_us(periods.since_at),
            0
        )) / 3.6e9 as {{ clock }}_paused_hours{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('int_ticket_periods') }} as periods
    inner join {{ ref('fct_tickets') }} as tickets using (tenant_id, ticket_id)
    inner join {{ ref('int_tenant_clock') }} as clock using (tenant_id)
    where periods.status = 'pending'
    group by all

),

told as (

    select
        tenant_id,
        ticket_id,
        clock,
        min(told_at) filter (where level = 'warning') as warned_at,
        min(told_at) filter (where level = 'breach') as told_late_at
    from {{ ref('stg_ticket_escalations') }}
    group by all

),

clocks as (

    {% for clock, stopped_at in clocks -%}
    select
        tickets.tenant_id,
        tickets.ticket_id,
        '{{ clock }}' as clock,
        tickets.sla_policy_id,
        policies.{{ clock }}_minutes as target_minutes,
        tickets.account_id,
        tickets.assignee_id,
        tickets.priority,
        tickets.opened_at,
        tickets.opened_date,
        tickets.{{ clock }}_due_at as due_at,
        tickets.{{ clock }}_breached_at as breached_at,
        tickets.{{ stopped_at }} as stopped_at,
        {% if clock == 'first_reply' -%}
        tickets.first_response_at is not null as is_stopped,
        tickets.status = 'open' and tickets.first_response_at is null as is_running,
        {%- else -%}
        tickets.status in ('resolved', 'closed') as is_stopped,
        tickets.status = 'open' as is_running,
        {%- endif %}
        tickets.status in ('resolved', 'closed') as is_done,
        coalesce(paused.{{ clock }}_paused_hours, 0) as paused_hours
    from {{ ref('fct_tickets') }} as tickets
    inner join {{ ref('stg_sla_policies') }} as policies
        on tickets.tenant_id = policies.tenant_id and tickets.sla_policy_id = policies.sla_policy_id
    left join paused on tickets.tenant_id = paused.tenant_id and tickets.ticket_id = paused.ticket_id
    where policies.{{ clock }}_minutes is not null
    {% if not loop.last %}
    union all

    {% endif %}
    {%- endfor %}
),

judged as (

    select
        clocks.*,
        clocks.breached_at is not null
            or (clocks.is_running and coalesce(clocks.due_at <= clock.data_until_at, false)) as is_late
    from clocks
    left join {{ ref('int_tenant_clock') }} as clock using (tenant_id)

)

select
    judged.tenant_id,
    judged.ticket_id,
    judged.clock,
    judged.sla_policy_id,
    judged.target_minutes,
    judged.account_id,
    judged.assignee_id,
    judged.priority,
    judged.opened_at,
    judged.opened_date,
    judged.due_at,
    judged.breached_at,
    judged.stopped_at,
    case
        when judged.is_late then 'breached'
        when judged.is_stopped then 'met'
        when judged.is_done then 'void'
        else 'running'
    end as state,
    case when judged.is_late then false when judged.is_stopped then true end as is_met,
    judged.paused_hours,
    told.warned_at,
    told.told_late_at
from judged
left join told
    on judged.tenant_id = told.tenant_id and judged.ticket_id = told.ticket_id and judged.clock = told.clock
