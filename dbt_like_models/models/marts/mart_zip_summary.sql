-- Is a ZIP worth the next day's money? How much is known of it, how good it is, what it cost.
with contact_cost as (
    select zip, day, sum(cost_cents) as cost_cents
    from {{ ref('stg_contacts') }}
    group by zip, day
)

select
    ledger.org_slug() as org,
    leads.zip,
    leads.day,
    count(*) as leads,
    -- A lead without a point has no known reason to sell; it is still a property we know.
    count(*) filter (where scores.points > 0) as leads_scored,
    median(scores.points) as median_points,
    -- An unknown signal is null and counts for nothing, neither as yes nor as no.
    count(*) filter (where leads.is_absentee) as absentee_leads,
    count(*) filter (where leads.is_tax_delinquent) as tax_delinquent_leads,
    count(*) filter (where leads.stacked_list_count >= 2) as stacked_leads,
    round(median(leads.market_value_cents))::bigint as median_market_value_cents,
    (sum(leads.cost_cents) + coalesce(any_value(contact_cost.cost_cents), 0))::decimal(14, 4) as cost_cents
from {{ ref('stg_leads') }} as leads
left join {{ ref('stg_scores') }} as scores using (day, property_id)
left join contact_cost on leads.zip = contact_cost.zip and leads.day = contact_cost.day
group by leads.zip, leads.day
