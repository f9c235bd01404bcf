-- How many properties a ZIP has from each day on. A version begins on valid_from and has ended on valid_to, so the
-- running sum of beginnings and endings is the count of any day without expanding versions into days.
with changes as (
    select zip, valid_from as day, 1 as change from {{ source('lake', 'properties') }}
    union all
    select zip, valid_to as day, -1 as change from {{ source('lake', 'properties') }} where valid_to is not null
)

select
    zip,
    day,
    sum(sum(change)) over (partition by zip order by day) as properties
from changes
group by zip, day
