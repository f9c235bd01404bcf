-- What each provider was paid. Money is counted where it was set aside: a reservation covers a call and all its
-- attempts, so that a call repeated after a timeout is not paid twice here. If the answer was lost, nobody knows what
-- the vendor will bill, and the worst case counts.
-- Leads and field values stand on the day on which the provider first told of them and add up over days and ZIPs, so
-- that cost per lead and per field is a division of sums.
with calls as (
    select
        provider,
        coalesce(zip, 'many') as zip,
        day,
        count(*) filter (where outcome in ('ok', 'transient', 'terminal', 'unknown')) as calls,
        count(*) filter (where outcome = 'cache_hit') as cache_hits,
        count(*) filter (where outcome in ('transient', 'terminal', 'unknown')) as failed_calls,
        coalesce(sum(items) filter (where outcome = 'ok'), 0)::bigint as records,
        median(latency_ms) filter (where outcome = 'ok') as median_latency_ms
    from {{ source('ledger', 'provider_calls') }}
    group by provider, coalesce(zip, 'many'), day
),

-- A reservation does not know its ZIP; the attempts it covered do.
reserved_for as (
    select reservation_id, any_value(zip) as zip
    from {{ source('ledger', 'provider_calls') }}
    where reservation_id is not null
    group by reservation_id
),

spend as (
    select
        reservations.provider,
        coalesce(reserved_for.zip, 'many') as zip,
        reservations.day,
        sum(case reservations.state
            when 'settled' then reservations.settled_cents
            when 'unknown' then reservations.amount_cents
            else 0
        end) as cost_cents
    from {{ source('ledger', 'reservations') }} as reservations
    left join reserved_for using (reservation_id)
    group by reservations.provider, coalesce(reserved_for.zip, 'many'), reservations.day
),

told as (
    select source as provider, zip, observed_on as day, count(*) as field_values
    from {{ ref('stg_field_values') }}
    group by source, zip, observed_on
),

leads as (
    select provider, zip, day, count(*) as leads
    from (
        select source as provider, property_id, arg_min(zip, observed_on) as zip, min(observed_on) as day
        from {{ ref('stg_field_values') }}
        semi join {{ ref('stg_latest_scores') }} using (property_id)
        group by source, property_id
    )
    group by provider, zip, day
)

select
    ledger.org_slug() as org,
    provider,
    zip,
    day,
    coalesce(calls.calls, 0) as calls,
    coalesce(calls.cache_hits, 0) as cache_hits,
    coalesce(calls.failed_calls, 0) as failed_calls,
    coalesce(calls.records, 0) as records,
    coalesce(spend.cost_cents, 0)::decimal(14, 4) as cost_cents,
    coalesce(leads.leads, 0) as leads,
    coalesce(told.field_values, 0) as field_values,
    calls.median_latency_ms
from calls
full outer join spend using (provider, zip, day)
full outer join leads using (provider, zip, day)
full outer join told using (provider, zip, day)
-- County files are sources too, but nobody is paid for them.
where provider in (select provider from {{ source('ledger', 'provider_calls') }})
    or provider in (select provider from {{ source('ledger', 'reservations') }})
