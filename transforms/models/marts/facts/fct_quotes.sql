with

sendings as (

    select
        tenant_id,
        quote_id,
        count(*) as sending_count,
        min(sent_at) as first_sent_at
    from {{ ref('stg_quote_versions') }}
    group by all

),

quotes as (

    select
        quotes.* exclude (_source, _load, _change_xid, _deleted),
        -- Of those that were sent before versions were kept, the last sending is all that is known.
        coalesce(sendings.sending_count, cast(quotes.sent_at is not null as int)) as sending_count,
        coalesce(sendings.first_sent_at, quotes.sent_at) as first_sent_at,
        case quotes.status
            when 'accepted' then quotes.decided_at
            when 'declined' then quotes.decided_at
            when 'expired' then quotes.expires_at
        end as ended_at,
        case
            when quotes.status = 'accepted' then true
            when quotes.status in ('declined', 'expired') then false
        end as is_won
    from {{ ref('stg_quotes') }} as quotes
    left join sendings
        on quotes.tenant_id = sendings.tenant_id and quotes.quote_id = sendings.quote_id

)

select
    *,
    {{ utc_date('created_at') }} as created_date,
    {{ utc_date('sent_at') }} as sent_date,
    {{ utc_date('decided_at') }} as decided_date,
    {{ utc_date('ended_at') }} as ended_date,
    {{ hours_between('first_sent_at', 'decided_at') }} as decision_hours
from quotes
