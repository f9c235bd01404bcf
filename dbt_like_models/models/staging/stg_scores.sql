-- The score of each lead. BI tools cannot read a list of structs, so the reasons become the sentence a person reads.
select
    zip,
    day,
    property_id,
    points,
    rank_in_zip,
    probability,
    deal_score,
    array_to_string(list_transform(reasons, lambda reason: reason.text), '; ') as reasons,
    model_version
from {{ source('lake', 'lead_scores') }}
