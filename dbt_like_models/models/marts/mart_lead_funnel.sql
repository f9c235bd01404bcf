-- Where leads are lost on the way from a source row to a person who may be contacted.
-- Records and properties accumulate over days, leads and what follows are made afresh each day.
with days as (
    select zip, first_day as day from {{ ref('stg_records') }}
    union
    select zip, day from {{ ref('stg_leads') }}
),

records_known as (
    select zip, first_day as day, sum(count(*)) over (partition by zip order by first_day) as records
    from {{ ref('stg_records') }}
    group by zip, first_day
),

-- A stage counts only what passed the one before: a contact left over from a lead that is none any more, because its
-- day was worked again, must not widen the funnel.
reached as (
    select zip, day, property_id
    from {{ ref('stg_leads') }}
    semi join {{ ref('stg_contacts') }} using (day, property_id)
),

cleared as (
    select zip, day, property_id
    from reached
    semi join (from {{ ref('stg_decisions') }} where verdict = 'cleared') using (day, property_id)
),

leads_counted as (select zip, day, count(*) as items from {{ ref('stg_leads') }} group by zip, day),

reached_counted as (select zip, day, count(*) as items from reached group by zip, day),

cleared_counted as (select zip, day, count(*) as items from cleared group by zip, day),

wide as (
    select
        days.zip,
        days.day,
        coalesce(records_known.records, 0)::bigint as records,
        coalesce(properties.properties, 0)::bigint as properties,
        coalesce(leads_counted.items, 0) as leads,
        coalesce(reached_counted.items, 0) as contactable,
        coalesce(cleared_counted.items, 0) as cleared
    from days
    asof left join records_known on days.zip = records_known.zip and days.day >= records_known.day
    asof left join {{ ref('stg_property_days') }} as properties
        on days.zip = properties.zip and days.day >= properties.day
    left join leads_counted on days.zip = leads_counted.zip and days.day = leads_counted.day
    left join reached_counted on days.zip = reached_counted.zip and days.day = reached_counted.day
    left join cleared_counted on days.zip = cleared_counted.zip and days.day = cleared_counted.day
),

stages as (
    unpivot wide on records, properties, leads, contactable, cleared into name stage value items
)

select
    ledger.org_slug() as org,
    zip,
    day,
    stage,
    list_position(['records', 'properties', 'leads', 'contactable', 'cleared'], stage)::integer as stage_number,
    items
from stages
