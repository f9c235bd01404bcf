-- A county reissues its whole file every month and a vendor repeats a property every day, so the same source row
-- comes back on many days. It counts from the day it was first seen.
select
    record_id,
    arg_min(zip, day) as zip,
    min(day) as first_day
from {{ source('lake', 'property_records') }}
group by record_id
