-- Sets a call's worst case aside if the run, the org's and the provider's day, and both their months all have room, else
-- changes nothing: so the caller may send its commit along. No daily limit is a limit of zero; a month or a run without
-- a limit is not limited. Nothing is set aside either for a call that is free, whose answer somebody has bought
-- meanwhile (`wanted`: its fingerprints), or whose provider's breaker is not closed (at `host`; null: do not look).
-- The rows are locked first, always in this order, and close_reservation.sql does the same, so the two cannot deadlock.
-- Who waited for a lock sees the new sums, because Postgres reads a locked row again.
with breaker as (
  select state, failures from leadflow.provider_breakers where provider = :provider and host = :host
), there as (
  select from leadflow.provider_pulls as p where p.org_id = :org_id and p.fingerprint = any(cast(:wanted as text[]))
), needed as (
  select where :amount_cents > 0
    and not exists (select from breaker where state <> 'closed')
    and not exists (select from there)
), run as (
  select r.spent_cents + r.reserved_cents + :amount_cents <= r.limit_cents as has_room
  from leadflow.budget_runs as r
  where exists (select from needed) and r.org_id = :org_id and r.run_id = :run_id
  for no key update
), days as (
  select d.provider, d.spent_cents + d.reserved_cents + :amount_cents as used_cents, (
      select l.limit_cents from leadflow.budget_limits as l
      where l.org_id = d.org_id and l.provider = d.provider and l.period = 'day'
    ) as limit_cents
  from leadflow.budget_days as d
  where exists (select from needed) and (select count(*) from run) >= 0
    and d.org_id = :org_id and d.provider in ('*', :provider) and d.day = :day
  order by d.provider
  for no key update
), months as (
  select m.provider, m.spent_cents + m.reserved_cents + :amount_cents <= coalesce((
      select l.limit_cents from leadflow.budget_limits as l
      where l.org_id = m.org_id and l.provider = m.provider and l.period = 'month'
    ), 'infinity') as has_room
  from leadflow.budget_months as m
  where (select count(*) from days) = 2
    and m.org_id = :org_id and m.provider in ('*', :provider) and m.month = date_trunc('month', cast(:day as date))
  order by m.provider
  for no key update
), room as (
  select
    coalesce((select has_room from run), true) as run_has_room,
    coalesce((select used_cents <= limit_cents from days where provider = :provider), false) as provider_day_has_room,
    coalesce((select has_room from months where provider = :provider), false) as provider_month_has_room,
    coalesce((select used_cents <= limit_cents from days where provider = '*'), false) as org_day_has_room,
    coalesce((select has_room from months where provider = '*'), false) as org_month_has_room
), reservation as (
  insert into leadflow.reservations
    (reservation_id, org_id, provider, day, amount_cents, state, fingerprint, run_id, correlation_id, created_at)
  select :reservation_id, :org_id, :provider, :day, :amount_cents, 'reserved', :fingerprint, :run_id,
    :correlation_id, :now
  from room
  where run_has_room and provider_day_has_room and provider_month_has_room and org_day_has_room and org_month_has_room
  returning reservation_id
), in_run as (
  update leadflow.budget_runs as r
  set reserved_cents = r.reserved_cents + :amount_cents
  where exists (select from reservation) and r.org_id = :org_id and r.run_id = :run_id
), in_days as (
  update leadflow.budget_days as d
  set reserved_cents = d.reserved_cents + :amount_cents
  where exists (select from reservation)
    and d.org_id = :org_id and d.provider in ('*', :provider) and d.day = :day
), in_months as (
  update leadflow.budget_months as m
  set reserved_cents = m.reserved_cents + :amount_cents
  where exists (select from reservation)
    and m.org_id = :org_id and m.provider in ('*', :provider) and m.month = date_trunc('month', cast(:day as date))
)
select
  room.*,
  exists (select from there) as is_there,
  exists (select from reservation) as is_reserved,
  (select used_cents from days where provider = :provider) as provider_used_cents,
  (select limit_cents from days where provider = :provider) as provider_limit_cents,
  (select used_cents from days where provider = '*') as org_used_cents,
  (select limit_cents from days where provider = '*') as org_limit_cents,
  (select state from breaker) as breaker_state,
  coalesce((select failures from breaker), 0) as breaker_failures
from room
