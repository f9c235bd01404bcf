-- A county reissues its whole file every month and a vendor repeats a property every day, so the same source row
-- comes back on many days. It counts from the day it was first seen, and costs what it cost then.
select
    record_id,
    arg_min(zip, day) as zip,
    any_value(source) as source,
    coalesce(arg_min(cost_cents, day), 0) as cost_cents,
    min(day) as first_day
from {{ source('lake', 'property_records') }}
group by record_id
