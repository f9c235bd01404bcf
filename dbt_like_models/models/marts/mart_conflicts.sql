-- Which value stands where sources contradict each other, who says otherwise, and why he is not believed.
select
    ledger.org_slug() as org,
    zip,
    property_id,
    field,
    chosen_value,
    chosen_source,
    chosen_at,
    other_source,
    other_value,
    other_at,
    why
from {{ source('evidence', 'property_conflicts') }}
