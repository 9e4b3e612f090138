with

leads as (

    select
        leads.*,
        clock.data_until_at,
        case
            when leads.is_snapshot then cast(leads.snapshot_date + 1 as timestamptz)
            when leads.created_at is not null then least(leads.created_at + interval 48 hour, clock.data_until_at)
        end as as_of_at
    from {{ ref('fct_leads') }} as leads
    inner join {{ ref('int_tenant_clock') }} as clock using (tenant_id)

),

activities as (

    select
        leads.tenant_id,
        leads.lead_id,
        {% for kind in ['visit', 'call', 'email', 'reply', 'meeting'] -%}
        count(*) filter (where activities.kind = '{{ kind }}') as {{ kind }}_count,
        {% endfor -%}
        sum(activities.duration_s) filter (where activities.kind = 'visit') as visit_duration_s
    from leads
    inner join {{ ref('stg_lead_activities') }} as activities
        on
            leads.tenant_id = activities.tenant_id
            and leads.lead_id = activities.lead_id
            -- A snapshot knows what had happened, not when.
            and coalesce(activities.happened_at < leads.as_of_at, leads.is_snapshot)
    group by all

)

select
    leads.tenant_id,
    leads.lead_id,
    leads.as_of_at,
    leads.source,
    case when not leads.is_snapshot then hour(leads.created_at) end as hour_of_day,
    case when not leads.is_snapshot then isodow(leads.created_at) end as day_of_week,
    case
        when leads.first_replied_at < leads.as_of_at
            then leads.reply_hours
    end as reply_hours,
    {% for kind in ['visit', 'call', 'email', 'reply', 'meeting'] -%}
    coalesce(activities.{{ kind }}_count, 0) as {{ kind }}_count,
    {% endfor -%}
    coalesce(activities.visit_duration_s, 0) as visit_duration_s,
    leads.cost_cents,
    leads.is_company,
    -- Undated attributes are today's: only a snapshot may look at them.
    case when leads.is_snapshot then leads.attributes end as attributes,
    leads.is_snapshot,
    leads.is_won,
    leads.closed_at,
    leads.data_until_at as known_until_at
from leads
left join activities using (tenant_id, lead_id)
where leads.as_of_at is not null
