-- Two marts that count the same leads must not disagree on a dashboard.
select summary.zip, summary.day, summary.leads, funnel.items
from {{ ref('mart_zip_summary') }} as summary
full outer join (select * from {{ ref('mart_lead_funnel') }} where stage = 'leads' and items > 0) as funnel
    using (org, zip, day)
where summary.leads is distinct from funnel.items
