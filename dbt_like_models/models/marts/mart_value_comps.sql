-- What stands behind a value: the comparable sales of mart_leads, each a row that BI can draw, filter and join.
with listed as (
    select
        scores.zip,
        scores.day,
        scores.property_id,
        unnest(leads.value_comps) as comp,
        generate_subscripts(leads.value_comps, 1)::integer as comp_number
    from {{ ref('stg_latest_scores') }} as scores
    inner join {{ ref('stg_leads') }} as leads using (day, property_id)
)

select
    ledger.org_slug() as org,
    listed.zip,
    listed.day,
    listed.property_id,
    listed.comp_number,
    -- The lake keeps a comp by the id it had on the day of training; it may have been merged into another since.
    coalesce(names.property_id, listed.comp.parcel_id) as comp_property_id,
    names.address as comp_address,
    listed.comp.sale_date as sale_date,
    listed.comp.sale_price_cents as sale_price_cents,
    listed.comp.distance_m as distance_m,
    listed.comp.nearness as nearness,
    listed.comp.age_days as age_days,
    listed.comp.living_sqft as living_sqft,
    listed.comp.adjustment as adjustment,
    listed.comp.adjusted_price_cents as adjusted_price_cents
from listed
left join {{ ref('stg_property_names') }} as names on listed.comp.parcel_id = names.named
