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

reached as (
    select distinct day, property_id from {{ ref('stg_contacts') }}
),

cleared as (
    select distinct day, property_id from {{ ref('stg_decisions') }} where verdict = 'cleared'
),

-- A stage counts only what passed the one before: a contact left over from a lead that is none any more, because its
-- day was worked again, must not widen the funnel.
leads as (
    select
        leads.zip,
        leads.day,
        count(*) as leads,
        count(reached.property_id) as contactable,
        count(cleared.property_id) filter (where reached.property_id is not null) as cleared
    from {{ ref('stg_leads') }} as leads
    left join reached using (day, property_id)
    left join cleared using (day, property_id)
    group by leads.zip, leads.day
),

wide as (
    select
        days.zip,
        days.day,
        coalesce(records_known.records, 0)::bigint as records,
        coalesce(properties.properties, 0)::bigint as properties,
        coalesce(leads.leads, 0) as leads,
        coalesce(leads.contactable, 0) as contactable,
        coalesce(leads.cleared, 0) as cleared
    from days
    asof left join records_known on days.zip = records_known.zip and days.day >= records_known.day
    asof left join {{ ref('stg_property_days') }} as properties
        on days.zip = properties.zip and days.day >= properties.day
    left join leads on days.zip = leads.zip and days.day = leads.day
),

stages as (
    unpivot wide on records, properties, leads, contactable, cleared into name stage value items
)

select
    '{{ var("org") }}' as org,
    zip,
    day,
    stage,
    list_position(['records', 'properties', 'leads', 'contactable', 'cleared'], stage)::integer as stage_number,
    items
from stages
