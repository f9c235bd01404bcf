-- What is known of each field, from whom, how old it is and what it cost. A provider that answered for a ZIP later has
-- confirmed what it said before; a skip trace confirms only the owner it was about, a geocoder only the address.
with confirmed as (
    select provider as source, zip, max(day) as day
    from {{ source('ledger', 'provider_calls') }}
    where outcome = 'ok' and provider not in (select provider from {{ source('lake', 'geocodes') }})
    group by provider, zip
),

-- The longest pattern that fits a source is its rule.
rules as (
    select pairs.source, pairs.field, rules.max_age_days
    from (select distinct source, field from {{ ref('stg_field_values') }}) as pairs
    inner join {{ source('policy', 'freshness_rules') }} as rules
        on pairs.field = rules.field and pairs.source glob rules.pattern
    qualify row_number() over (partition by pairs.source, pairs.field order by length(rules.pattern) desc) = 1
),

seen as (
    select
        given.*,
        case when given.is_contact then given.observed_on
            else greatest(given.observed_on, coalesce(confirmed.day, given.observed_on))
        end as seen_on
    from {{ ref('stg_field_values') }} as given
    left join confirmed using (source, zip)
),

counted as (
    select
        seen.zip,
        seen.source,
        seen.field,
        any_value(today.as_of) as as_of,
        any_value(rules.max_age_days) as max_age_days,
        count(*) as field_values,
        count(*) filter (where today.as_of - seen.seen_on > rules.max_age_days) as stale_values,
        min(seen.seen_on) as oldest_on,
        max(seen.seen_on) as newest_on,
        bool_or(seen.is_contact) as is_contact,
        sum(seen.cost_cents) as contact_cents
    from seen
    cross join (select max(as_of) as as_of from {{ source('policy', 'freshness_rules') }}) as today
    left join rules using (source, field)
    group by seen.zip, seen.source, seen.field
),

-- What a source's records of a ZIP cost, each once; spread over the fields that it gave.
records as (
    select zip, source, sum(cost_cents) as cost_cents
    from (
        select zip, source, cost_cents from {{ ref('stg_records') }}
        union all
        select zip, provider as source, cost_cents from {{ source('lake', 'geocodes') }}
    )
    group by zip, source
)

select
    ledger.org_slug() as org,
    counted.zip,
    counted.source,
    counted.field,
    counted.as_of,
    counted.max_age_days,
    counted.field_values,
    counted.stale_values,
    counted.oldest_on,
    counted.newest_on,
    (case when counted.is_contact then counted.contact_cents
        else coalesce(records.cost_cents, 0) * counted.field_values
            / sum(counted.field_values) over (partition by counted.zip, counted.source, counted.is_contact)
    end)::decimal(14, 4) as cost_cents
from counted
left join records using (zip, source)
