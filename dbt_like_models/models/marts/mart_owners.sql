-- Who holds how much. Owners are told apart over the whole org each day, so a portfolio over several ZIPs is one row.
select
    ledger.org_slug() as org,
    leads.owner_id,
    arg_min(leads.owner_type, leads.property_id) as owner_type,
    arg_min(leads.owner_form, leads.property_id) as owner_form,
    arg_min(leads.owner_name, leads.property_id) as owner_name,
    arg_min_null(leads.mailing_street, leads.property_id) as mailing_street,
    arg_min_null(leads.mailing_city, leads.property_id) as mailing_city,
    arg_min_null(leads.mailing_state, leads.property_id) as mailing_state,
    arg_min_null(leads.mailing_zip5, leads.property_id) as mailing_zip5,
    count(*) as properties,
    string_agg(distinct leads.zip, ', ' order by leads.zip) as zips,
    count(distinct leads.zip) as zip_count,
    -- An unknown signal is null and counts for nothing.
    count(*) filter (where leads.is_absentee) as absentee_properties,
    count(*) filter (where leads.is_out_of_state) as out_of_state_properties,
    count(*) filter (where leads.stacked_list_count >= 2) as stacked_properties,
    sum(leads.market_value_cents)::bigint as market_value_cents,
    max(scores.points) as best_points
from {{ ref('stg_latest_scores') }} as scores
inner join {{ ref('stg_leads') }} as leads using (day, property_id)
where leads.owner_id is not null
group by leads.owner_id
