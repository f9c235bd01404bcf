-- One clearance decision per contact point and channel: cleared, or blocked for one reason or several.
-- The same reason found along two ways (a phone on the federal list and on a vendor's copy of it) is one reason.
select
    zip,
    day,
    property_id,
    contact_point_id,
    channel,
    verdict,
    list_sort(list_distinct(reason_codes)) as reason_codes,
    rule_version
from {{ source('lake', 'outreach_lists') }}
