-- Lets up to :wanted messages of a slot through at :now, at :per_second and at most one second's worth at once.
-- Returns how many.
with slot as (
  select slots.next_at from leadflow.send_slots as slots
  where slots.org_id = :org_id and slots.slot = :slot
  for update
),
granted as (
  select
    greatest(slot.next_at, :now) as starts_at,
    least(
      :wanted,
      greatest(0, ceil(extract(epoch from :now + interval '1 second' - greatest(slot.next_at, :now)) * :per_second))
    )::integer as messages
  from slot
)
update leadflow.send_slots as slots
set next_at = granted.starts_at + granted.messages * interval '1 second' / :per_second
from granted
where slots.org_id = :org_id and slots.slot = :slot
returning granted.messages
