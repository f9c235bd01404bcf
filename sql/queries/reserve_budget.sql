-- Sets a call's worst case aside if the run, the provider's day and month, and the org's day and month all have room,
-- else changes nothing that the caller keeps: it rolls back unless a reservation was made. No daily limit is a limit
-- of zero; a month or a run without a limit is not limited.
-- The row locks are always taken in this order, and close_reservation.sql does the same, so the two cannot deadlock.
-- A writer who waited for a row sees its new sums, because Postgres tests the condition again.
with run as (
  update leadflow.budget_runs as r
  set reserved_cents = r.reserved_cents + :amount_cents
  where r.org_id = :org_id and r.run_id = :run_id
    and r.spent_cents + r.reserved_cents + :amount_cents <= r.limit_cents
  returning r.run_id
), run_room as (
  select where exists (select from run)
    or not exists (select from leadflow.budget_runs as r where r.org_id = :org_id and r.run_id = :run_id)
), provider_day as (
  update leadflow.budget_days as d
  set reserved_cents = d.reserved_cents + :amount_cents
  from leadflow.budget_limits as l
  where exists (select from run_room)
    and d.org_id = :org_id and d.provider = :provider and d.day = :day
    and l.org_id = d.org_id and l.provider = d.provider and l.period = 'day'
    and d.spent_cents + d.reserved_cents + :amount_cents <= l.limit_cents
  returning d.spent_cents + d.reserved_cents as used_cents, l.limit_cents
), provider_month as (
  update leadflow.budget_months as m
  set reserved_cents = m.reserved_cents + :amount_cents
  where exists (select from provider_day)
    and m.org_id = :org_id and m.provider = :provider and m.month = date_trunc('month', cast(:day as date))
    and m.spent_cents + m.reserved_cents + :amount_cents <= coalesce((
      select l.limit_cents from leadflow.budget_limits as l
      where l.org_id = m.org_id and l.provider = m.provider and l.period = 'month'
    ), 'infinity')
  returning m.provider
), org_day as (
  update leadflow.budget_days as d
  set reserved_cents = d.reserved_cents + :amount_cents
  from leadflow.budget_limits as l
  where exists (select from provider_month)
    and d.org_id = :org_id and d.provider = '*' and d.day = :day
    and l.org_id = d.org_id and l.provider = d.provider and l.period = 'day'
    and d.spent_cents + d.reserved_cents + :amount_cents <= l.limit_cents
  returning d.spent_cents + d.reserved_cents as used_cents, l.limit_cents
), org_month as (
  update leadflow.budget_months as m
  set reserved_cents = m.reserved_cents + :amount_cents
  where exists (select from org_day)
    and m.org_id = :org_id and m.provider = '*' and m.month = date_trunc('month', cast(:day as date))
    and m.spent_cents + m.reserved_cents + :amount_cents <= coalesce((
      select l.limit_cents from leadflow.budget_limits as l
      where l.org_id = m.org_id and l.provider = m.provider and l.period = 'month'
    ), 'infinity')
  returning m.provider
), reservation as (
  insert into leadflow.reservations
    (reservation_id, org_id, provider, day, amount_cents, state, fingerprint, run_id, correlation_id, created_at)
  select :reservation_id, :org_id, :provider, :day, :amount_cents, 'reserved', :fingerprint, :run_id,
    :correlation_id, :now
  from org_month
  returning reservation_id
)
select
  exists (select from run_room) as run_has_room,
  exists (select from provider_day) as provider_day_has_room,
  exists (select from provider_month) as provider_month_has_room,
  exists (select from org_day) as org_day_has_room,
  exists (select from reservation) as is_reserved,
  (select used_cents from provider_day) as provider_used_cents,
  (select limit_cents from provider_day) as provider_limit_cents,
  (select used_cents from org_day) as org_used_cents,
  (select limit_cents from org_day) as org_limit_cents
