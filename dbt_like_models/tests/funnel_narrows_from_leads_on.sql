-- Only a lead can be contactable and only a contactable lead can be cleared.
select
    zip,
    day,
    stage,
    items,
    lag(items) over (partition by zip, day order by stage_number) as items_before
from {{ ref('mart_lead_funnel') }}
where stage in ('leads', 'contactable', 'cleared')
qualify items > items_before
