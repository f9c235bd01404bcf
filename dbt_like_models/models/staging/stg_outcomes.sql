-- What became of leads, under the id and ZIP that the property has now. Two words on what is one property now are one.
select
    coalesce(names.property_id, outcomes.property_id) as property_id,
    coalesce(any_value(names.zip), 'unlocated') as zip,
    outcomes.kind,
    outcomes.happened_on,
    max(outcomes.amount_cents) as amount_cents
from {{ source('outreach', 'lead_outcomes') }} as outcomes
left join {{ ref('stg_property_names') }} as names on outcomes.property_id = names.named
group by coalesce(names.property_id, outcomes.property_id), outcomes.kind, outcomes.happened_on
