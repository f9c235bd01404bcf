{{ config(materialized="table") }} -- read by two marts
-- Every field value that stands today, who gave it, and when. A property keeps a value until a better one comes, so the
-- day is that of the observation, which may be long ago. Phones and e-mails are values too: they were bought.
with contacts as (
    select
        zip,
        property_id,
        contact_point_id,
        source,
        kind,
        fetched_at,
        cost_cents
    from {{ source('lake', 'lead_contacts') }}
    semi join {{ ref('stg_latest_scores') }} using (day, property_id)
    where kind <> 'mailing'
),

given as (
    select zip, property_id, unnest(provenance) as word
    from {{ source('lake', 'properties') }}
    where valid_to is null
)

select
    zip,
    property_id,
    word.source as source,
    word.field as field,
    (word.observed_at at time zone 'UTC')::date as observed_on,
    false as is_contact,
    0::decimal(14, 4) as cost_cents
from given
union all
select
    zip,
    property_id,
    source,
    kind as field,
    (fetched_at at time zone 'UTC')::date as observed_on,
    true as is_contact,
    coalesce(cost_cents, 0)::decimal(14, 4) as cost_cents
from contacts
