select
    clocks.tenant_id,
    {{ month_of('clocks.opened_date') }} as month,
    clocks.clock,
    clocks.sla_policy_id,
    policies.name as policy_name,
    clocks.priority,
    count(*) as clock_count,
    count(*) filter (where clocks.state = 'met') as met_count,
    count(*) filter (where clocks.state = 'breached') as breached_count,
    count(*) filter (where clocks.state = 'running') as running_count,
    count(*) filter (where clocks.warned_at is not null) as warned_count,
    count(*) filter (where clocks.is_met) / nullif(count(clocks.is_met), 0) as met_share,
    cast(sum(cast(clocks.paused_hours * 3600 as bigint)) as bigint) as paused_s
from {{ ref('fct_ticket_clocks') }} as clocks
left join {{ ref('dim_sla_policies') }} as policies
    on clocks.tenant_id = policies.tenant_id and clocks.sla_policy_id = policies.sla_policy_id
group by all
