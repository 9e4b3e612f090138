{%- set kinds = ['send', 'delivery', 'open', 'click', 'reply', 'conversion'] -%}

with

events as (

    select
        tenant_id,
        campaign_id,
        {% for kind in kinds -%}
        count(*) filter (where kind = '{{ kind }}') as {{ kind }}_count,
        {% endfor -%}
        coalesce(sum(value_cents) filter (where kind = 'conversion' and lead_id is null), 0) as converted_cents
    from {{ ref('fct_campaign_events') }}
    group by all

),

won_leads as (

    select
        tenant_id,
        campaign_id,
        sum(value_cents) as won_cents
    from {{ ref('fct_leads') }}
    where campaign_id is not null and status = 'won'
    group by all

)

select
    campaigns.tenant_id,
    campaigns.campaign_id,
    campaigns.name as campaign_name,
    campaigns.channel,
    campaigns.status,
    {{ utc_date('campaigns.started_at') }} as started_date,
    {% for kind in kinds -%}
    coalesce(events.{{ kind }}_count, 0) as {{ kind }}_count,
    {% endfor -%}
    events.delivery_count / nullif(events.send_count, 0) as delivery_rate,
    {% for kind in kinds if kind not in ('send', 'delivery') -%}
    events.{{ kind }}_count / nullif(events.delivery_count, 0) as {{ kind }}_rate,
    {% endfor -%}
    campaigns.cost_cents,
    cast(coalesce(won_leads.won_cents, 0) + coalesce(events.converted_cents, 0) as bigint) as revenue_cents
from {{ ref('dim_campaigns') }} as campaigns
left join events using (tenant_id, campaign_id)
left join won_leads using (tenant_id, campaign_id)
