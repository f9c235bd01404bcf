-- A property with its signals on the day it was worked. A row assembled from free county files cost nothing, which
-- the lake says as null.
select
    * replace (coalesce(cost_cents, 0) as cost_cents)
from {{ source('lake', 'enriched_leads') }}
