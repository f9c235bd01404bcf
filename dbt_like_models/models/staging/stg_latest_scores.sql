{{ config(materialized="table") }} -- read by three parts of mart_leads and four tests
-- ZIPs are not all worked every day, so "now" is another day for each: the last on which the ZIP was scored.
-- A property that came out of `unlocated`, or whose ZIP the post office changed, was scored under two ZIPs; the later
-- day is right, and on the same day the ZIP that places it.
with latest_days as (
    select zip, max(day) as day
    from {{ ref('stg_scores') }}
    group by zip
)

select scores.*
from {{ ref('stg_scores') }} as scores
inner join latest_days using (zip, day)
qualify row_number() over (partition by property_id order by day desc, zip = 'unlocated', zip) = 1
