-- The leads of campaigns that ran, each with what became of it since the campaign began. Both groups count from the same
-- day, and a sale counts whoever told of it. A deed for a nominal sum moves a house within a family: it is no sale.
with leads as (
    select
        leads.campaign,
        coalesce(names.property_id, leads.property_id) as property_id,
        coalesce(any_value(names.zip), 'unlocated') as zip,
        bool_or(leads.is_held_out) as is_held_out,
        any_value(leads.started_on) as started_on,
        min(leads.contacted_on) as contacted_on,
        max(names.sale_date) filter (where coalesce(names.sale_price_cents, 100000) >= 100000) as sale_date
    from {{ source('outreach', 'campaign_leads') }} as leads
    left join {{ ref('stg_property_names') }} as names on leads.property_id = names.named
    group by leads.campaign, coalesce(names.property_id, leads.property_id)
)

select
    leads.campaign,
    leads.property_id,
    any_value(leads.zip) as zip,
    any_value(leads.is_held_out) as is_held_out,
    any_value(leads.started_on) as started_on,
    any_value(leads.contacted_on) as contacted_on,
    coalesce(bool_or(outcomes.kind in ('interested', 'appointment', 'offer', 'contract', 'deal')), false)
        as has_responded,
    coalesce(bool_or(outcomes.kind = 'deal'), false) as is_deal,
    coalesce(bool_or(outcomes.kind in ('deal', 'sold_elsewhere')), false)
    or coalesce(any_value(leads.sale_date) >= any_value(leads.started_on), false) as is_sold
from leads
left join {{ ref('stg_outcomes') }} as outcomes
    on leads.property_id = outcomes.property_id and leads.started_on <= outcomes.happened_on
group by leads.campaign, leads.property_id
