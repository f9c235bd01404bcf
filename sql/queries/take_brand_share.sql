-- Counts up to :wanted texts of a brand on a day, as many as its daily limit leaves. Returns how many.
with today as (
  select brand_days.messages from leadflow.brand_days
  where brand_days.org_id = :org_id and brand_days.brand = :brand and brand_days.day = :day
  for update
),
granted as (
  select least(:wanted, greatest(0, :most - today.messages))::integer as messages from today
)
update leadflow.brand_days
set messages = brand_days.messages + granted.messages
from granted
where brand_days.org_id = :org_id and brand_days.brand = :brand and brand_days.day = :day
returning granted.messages
