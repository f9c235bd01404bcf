-- What the outreach of a month came to. Two readings stand beside each other: what happened in the month (accounting),
-- and what became, so far, of the leads of the campaigns that began in it (whether writing changed anything). Counts are
-- kept, so that anybody can add rows and divide; a lift is of its row alone.
with happened as (
    select
        zip,
        date_trunc('month', happened_on)::date as month,
        count(distinct property_id) filter (where kind = 'interested') as interested,
        count(distinct property_id) filter (where kind = 'not_interested') as not_interested,
        count(distinct property_id) filter (where kind = 'not_the_owner') as not_the_owner,
        count(distinct property_id) filter (where kind = 'appointment') as appointments,
        count(distinct property_id) filter (where kind = 'offer') as offers,
        count(distinct property_id) filter (where kind = 'contract') as contracts,
        count(distinct property_id) filter (where kind = 'deal') as deals,
        count(distinct property_id) filter (where kind = 'sold_elsewhere') as sold_elsewhere,
        count(amount_cents) filter (where kind = 'offer') as priced_offers,
        sum(amount_cents) filter (where kind = 'offer') as offered_cents,
        count(amount_cents) filter (where kind = 'contract') as priced_contracts,
        sum(amount_cents) filter (where kind = 'contract') as contracted_cents,
        count(amount_cents) filter (where kind = 'deal') as priced_deals,
        sum(amount_cents) filter (where kind = 'deal') as deal_cents
    from {{ ref('stg_outcomes') }}
    group by zip, date_trunc('month', happened_on)
),

contacted as (
    select
        zip,
        date_trunc('month', contacted_on)::date as month,
        count(distinct property_id) as leads_contacted
    from {{ ref('stg_campaign_leads') }}
    where contacted_on is not null
    group by zip, date_trunc('month', contacted_on)
),

-- A lead of two campaigns counts in each: each drew anew whom it leaves alone.
begun as (
    select
        zip,
        date_trunc('month', started_on)::date as month,
        count(*) filter (where not is_held_out) as contact_group,
        count(*) filter (where not is_held_out and has_responded) as contact_group_responded,
        count(*) filter (where not is_held_out and is_deal) as contact_group_deals,
        count(*) filter (where not is_held_out and is_sold) as contact_group_sold,
        count(*) filter (where is_held_out) as held_out,
        count(*) filter (where is_held_out and has_responded) as held_out_responded,
        count(*) filter (where is_held_out and is_deal) as held_out_deals,
        count(*) filter (where is_held_out and is_sold) as held_out_sold
    from {{ ref('stg_campaign_leads') }}
    group by zip, date_trunc('month', started_on)
)

select
    ledger.org_slug() as org,
    zip,
    month,
    coalesce(contacted.leads_contacted, 0) as leads_contacted,
    coalesce(happened.interested, 0) as interested,
    coalesce(happened.not_interested, 0) as not_interested,
    coalesce(happened.not_the_owner, 0) as not_the_owner,
    coalesce(happened.appointments, 0) as appointments,
    coalesce(happened.offers, 0) as offers,
    coalesce(happened.contracts, 0) as contracts,
    coalesce(happened.deals, 0) as deals,
    coalesce(happened.sold_elsewhere, 0) as sold_elsewhere,
    coalesce(happened.priced_offers, 0) as priced_offers,
    coalesce(happened.offered_cents, 0)::bigint as offered_cents,
    coalesce(happened.priced_contracts, 0) as priced_contracts,
    coalesce(happened.contracted_cents, 0)::bigint as contracted_cents,
    coalesce(happened.priced_deals, 0) as priced_deals,
    coalesce(happened.deal_cents, 0)::bigint as deal_cents,
    coalesce(begun.contact_group, 0) as contact_group,
    coalesce(begun.contact_group_responded, 0) as contact_group_responded,
    coalesce(begun.contact_group_deals, 0) as contact_group_deals,
    coalesce(begun.contact_group_sold, 0) as contact_group_sold,
    coalesce(begun.held_out, 0) as held_out,
    coalesce(begun.held_out_responded, 0) as held_out_responded,
    coalesce(begun.held_out_deals, 0) as held_out_deals,
    coalesce(begun.held_out_sold, 0) as held_out_sold,
    {%- for what in ('responded', 'deals', 'sold') %}
    {{ share_difference(
        what ~ '_lift', 'begun.contact_group_' ~ what, 'begun.contact_group', 'begun.held_out_' ~ what, 'begun.held_out'
    ) }}{{ ',' if not loop.last }}
    {%- endfor %}
from happened
full join contacted using (zip, month)
full join begun using (zip, month)
