-- What an analyst opens first: one row per lead as of the latest day of its ZIP.
with cleared as (
    -- One decision per contact point and channel, so rows are contact points.
    select
        day,
        property_id,
        count(*) filter (where channel = 'mail') as mail,
        count(*) filter (where channel = 'voice') as voice,
        count(*) filter (where channel = 'sms') as sms,
        count(*) filter (where channel = 'email') as email
    from {{ ref('stg_decisions') }}
    -- Before grouping: of 90 days in the lake the latest is read, not all.
    semi join {{ ref('stg_latest_scores') }} using (day, property_id)
    where verdict = 'cleared'
    group by day, property_id
),

contact_cost as (
    select day, property_id, sum(cost_cents) as cost_cents
    from {{ ref('stg_contacts') }}
    semi join {{ ref('stg_latest_scores') }} using (day, property_id)
    group by day, property_id
),

conflicting as (
    select property_id, array_to_string(conflicts, ', ') as fields
    from {{ source('lake', 'properties') }}
    where valid_to is null and len(conflicts) > 0
)

select
    ledger.org_slug() as org,
    scores.zip,
    scores.day,
    scores.property_id,
    leads.address,
    leads.city,
    leads.state,
    leads.parcel_number,
    leads.owner_name,
    leads.owner_type,
    leads.owner_id,
    leads.owner_parcel_count,
    leads.mailing_street,
    leads.mailing_city,
    leads.mailing_state,
    leads.mailing_zip5,
    leads.is_absentee,
    leads.is_out_of_state,
    leads.is_tax_delinquent,
    leads.is_pre_foreclosure,
    leads.is_probate,
    leads.is_vacant,
    leads.has_code_violation,
    leads.tenure_years,
    leads.stacked_list_count,
    leads.estimated_value_cents,
    leads.value_low_cents,
    leads.value_high_cents,
    leads.value_method,
    leads.market_value_cents,
    leads.assessed_cents,
    leads.sale_date,
    leads.sale_price_cents,
    leads.equity_share,
    leads.loan_age_years,
    leads.year_built,
    leads.living_sqft,
    scores.points,
    scores.rank_in_zip,
    scores.probability,
    scores.deal_score,
    scores.reasons,
    scores.model_version,
    conflicting.fields as conflicting_fields,
    coalesce(len(leads.value_comps), 0) as comps,
    coalesce(cleared.mail, 0) as cleared_mail,
    coalesce(cleared.voice, 0) as cleared_voice,
    coalesce(cleared.sms, 0) as cleared_sms,
    coalesce(cleared.email, 0) as cleared_email,
    -- What it cost to know of the property, and what it cost to learn how to reach its owner.
    (leads.cost_cents + coalesce(contact_cost.cost_cents, 0))::decimal(14, 4) as cost_cents
from {{ ref('stg_latest_scores') }} as scores
inner join {{ ref('stg_leads') }} as leads using (day, property_id)
left join cleared using (day, property_id)
left join contact_cost using (day, property_id)
left join conflicting using (property_id)
