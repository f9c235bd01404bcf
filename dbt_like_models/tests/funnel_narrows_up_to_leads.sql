-- A property needs a record and a lead needs a property. A warning, not an error: each table can be made afresh by
-- itself, and until its neighbours follow, yesterday's leads may outnumber today's properties.
{{ config(severity='warn') }}
select
    zip,
    day,
    stage,
    items,
    lag(items) over (partition by zip, day order by stage_number) as items_before
from {{ ref('mart_lead_funnel') }}
where stage in ('records', 'properties', 'leads')
qualify items > items_before
