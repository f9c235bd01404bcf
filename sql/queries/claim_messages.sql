-- Claims as many of :message_ids, the first ones first, as the sender's rate, the brand's day and the org's rate all leave
-- room for, and counts them there. Returns how many; no row where one of the :counters is not there yet.
-- The counters are locked in this order, each when the one before it is held, so that nobody waits in a circle.
-- What a claim sets of a message is in no index: with every index written anew, a hundred among a million took 72 ms.
with rates (slot, per_second) as (
  values (cast(:sender as text), cast(:sender_per_second as integer)), (:org_slot, :org_per_second)
),
of_sender as (
  select slots.slot, slots.next_at from leadflow.send_slots as slots
  where slots.org_id = :org_id and slots.slot = cast(:sender as text)
  for update
),
of_brand as (
  select days.messages
  from (select count(*) from of_sender) as held
  cross join leadflow.brand_days as days
  where days.org_id = :org_id and days.brand = cast(:brand as text) and days.day = :day
  for update of days
),
of_org as (
  select slots.slot, slots.next_at
  from (select count(*) from of_brand) as held
  cross join leadflow.send_slots as slots
  where slots.org_id = :org_id and slots.slot = :org_slot
  for update of slots
),
rooms as ( -- of a rate: one second's worth at once, at most
  select ceil(extract(epoch from :now + interval '1 second' - greatest(slots.next_at, :now)) * rates.per_second) as messages
  from (select * from of_sender union all select * from of_org) as slots
  join rates using (slot)
  union all
  select :brand_daily_limit - of_brand.messages from of_brand
),
granted as (
  select greatest(0, least(cardinality(cast(:message_ids as uuid[])), min(rooms.messages)))::integer as messages
  from rooms
  having count(*) = :counters
),
counted_by_rates as (
  update leadflow.send_slots as slots
  set next_at = greatest(slots.next_at, :now) + granted.messages * interval '1 second' / rates.per_second
  from granted
  cross join rates
  where slots.org_id = :org_id and slots.slot = rates.slot
),
counted_by_brand as (
  update leadflow.brand_days as days
  set messages = days.messages + granted.messages
  from granted
  where days.org_id = :org_id and days.brand = cast(:brand as text) and days.day = :day
),
claimed as (
  update leadflow.messages
  set claimed_by = :claimed_by, claimed_until = :claimed_until
  where
    messages.org_id = :org_id
    and messages.message_id = any((cast(:message_ids as uuid[]))[1:(select granted.messages from granted)])
)
select granted.messages from granted
