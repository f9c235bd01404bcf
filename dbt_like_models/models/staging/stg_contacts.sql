-- Ways to reach the owner, without the contact values themselves: no mart needs them, and what is not copied cannot leak.
-- The mailing address on the record is free; phones and e-mails were bought.
select
    zip,
    day,
    property_id,
    contact_point_id,
    kind,
    coalesce(cost_cents, 0) as cost_cents
from {{ source('lake', 'lead_contacts') }}
