{%- set kinds = ['send', 'delivery', 'open', 'click', 'reply', 'conversion'] -%}

with

events as (

    select
        tenant_id,
        campaign_id,
        {% for kind in kinds -%}
        nullif(count(*) filter (where kind = '{{ kind }}'), 0) as {{ kind }}_count,
        {% endfor -%}
        sum(value_cents) filter (where kind = 'conversion' and lead_id is null) as converted_cents
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

),

results as (

    select
        campaigns.tenant_id,
        campaigns.campaign_id,
        campaigns.name as campaign_name,
        campaigns.channel,
        campaigns.status,
        {{ utc_date('campaigns.started_at') }} as started_date,
        {% for kind in kinds -%}
        {{ zero_when_known('events.' ~ kind ~ '_count', ['campaigns.tenant_id']) }} as {{ kind }}_count,
        {% endfor -%}
        campaigns.cost_cents,
        cast(coalesce(won_leads.won_cents, 0) + coalesce(events.converted_cents, 0) as bigint) as revenue_cents
    from {{ ref('dim_campaigns') }} as campaigns
    left join events on campaigns.tenant_id = events.tenant_id and campaigns.campaign_id = events.campaign_id
    left join won_leads on campaigns.tenant_id = won_leads.tenant_id and campaigns.campaign_id = won_leads.campaign_id

)

select
    * exclude (cost_cents, revenue_cents),
    delivery_count / nullif(send_count, 0) as delivery_rate,
    open_count / nullif(delivery_count, 0) as open_rate,
    click_count / nullif(delivery_count, 0) as click_rate,
    reply_count / nullif(delivery_count, 0) as reply_rate,
    conversion_count / nullif(send_count, 0) as conversion_rate,
    cost_cents,
    revenue_cents
from results
