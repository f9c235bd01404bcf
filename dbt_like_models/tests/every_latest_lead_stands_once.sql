-- Every property scored on the latest day of its ZIP is one row of mart_leads: none lost in a join, none doubled.
select
    scored.property_id,
    count(leads.property_id) as rows_in_mart
from {{ ref('stg_latest_scores') }} as scored
left join {{ ref('mart_leads') }} as leads using (property_id)
group by scored.property_id
having count(leads.property_id) <> 1
