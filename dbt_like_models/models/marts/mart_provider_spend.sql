-- What each provider was paid. Money is counted where it was set aside: a reservation covers a call and all its
-- attempts, so that a call repeated after a timeout is not paid twice here. If the answer was lost, nobody knows what
-- the vendor will bill, and the worst case counts.
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
)

select
    '{{ var("org") }}' as org,
    provider,
    zip,
    day,
    coalesce(calls.calls, 0) as calls,
    coalesce(calls.cache_hits, 0) as cache_hits,
    coalesce(calls.failed_calls, 0) as failed_calls,
    coalesce(calls.records, 0) as records,
    coalesce(spend.cost_cents, 0)::decimal(14, 4) as cost_cents,
    calls.median_latency_ms
from calls
full outer join spend using (provider, zip, day)
