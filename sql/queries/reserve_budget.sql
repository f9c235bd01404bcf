-- Sets a call's worst case aside if the provider's day and the org's day both have room, else changes nothing
-- that the caller keeps: it rolls back unless both counts are 1. No limit is a limit of zero.
-- The row locks are always taken provider first, then '*': close_reservation.sql does the same, so the two
-- cannot deadlock. A writer who waited for a row sees its new sums, because Postgres tests the condition again.
with provider_day as (
  update leadflow.budget_days as d
  set reserved_cents = d.reserved_cents + :amount_cents
  from leadflow.budget_limits as l
  where d.org_id = :org_id and d.provider = :provider and d.day = :day
    and l.org_id = d.org_id and l.provider = d.provider and l.period = 'day'
    and d.spent_cents + d.reserved_cents + :amount_cents <= l.limit_cents
  returning d.provider
), org_day as (
  update leadflow.budget_days as d
  set reserved_cents = d.reserved_cents + :amount_cents
  from leadflow.budget_limits as l
  where exists (select from provider_day)
    and d.org_id = :org_id and d.provider = '*' and d.day = :day
    and l.org_id = d.org_id and l.provider = d.provider and l.period = 'day'
    and d.spent_cents + d.reserved_cents + :amount_cents <= l.limit_cents
  returning d.provider
), reservation as (
  insert into leadflow.reservations
    (reservation_id, org_id, provider, day, amount_cents, state, fingerprint, run_id, correlation_id, created_at)
  select :reservation_id, :org_id, :provider, :day, :amount_cents, 'reserved', :fingerprint, :run_id,
    :correlation_id, :now
  from org_day
  returning reservation_id
)
select
  (select count(*) from provider_day) as provider_has_room,
  (select count(*) from reservation) as reserved
