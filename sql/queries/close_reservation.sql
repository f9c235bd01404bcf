-- Ends a reservation once: settled (spent what it cost), released (spent nothing) or unknown (the answer was
-- lost, so all of it counts as spent). A reservation already closed is left alone and no row is returned.
-- The sums are locked in the order of reserve_budget.sql.
with closed as (
  update leadflow.reservations as r
  set state = cast(:state as leadflow.reservation_state),
    settled_cents = case cast(:state as text) when 'unknown' then r.amount_cents else :cost_cents end,
    closed_at = :now
  where r.org_id = :org_id and r.reservation_id = :reservation_id and r.state = 'reserved'
  returning r.provider, r.day, r.run_id, r.amount_cents, r.settled_cents
), run as (
  update leadflow.budget_runs as b
  set reserved_cents = b.reserved_cents - c.amount_cents, spent_cents = b.spent_cents + c.settled_cents
  from closed as c
  where b.org_id = :org_id and b.run_id = c.run_id
  returning b.run_id
), org_day as (
  update leadflow.budget_days as d
  set reserved_cents = d.reserved_cents - c.amount_cents, spent_cents = d.spent_cents + c.settled_cents
  from closed as c
  where (select count(*) from run) >= 0 and d.org_id = :org_id and d.provider = '*' and d.day = c.day
  returning d.provider
), provider_day as (
  update leadflow.budget_days as d
  set reserved_cents = d.reserved_cents - c.amount_cents, spent_cents = d.spent_cents + c.settled_cents
  from closed as c
  where exists (select from org_day) and d.org_id = :org_id and d.provider = c.provider and d.day = c.day
  returning d.provider
), org_month as (
  update leadflow.budget_months as m
  set reserved_cents = m.reserved_cents - c.amount_cents, spent_cents = m.spent_cents + c.settled_cents
  from closed as c
  where exists (select from provider_day)
    and m.org_id = :org_id and m.provider = '*' and m.month = date_trunc('month', c.day)
  returning m.provider
), provider_month as (
  update leadflow.budget_months as m
  set reserved_cents = m.reserved_cents - c.amount_cents, spent_cents = m.spent_cents + c.settled_cents
  from closed as c
  where exists (select from org_month)
    and m.org_id = :org_id and m.provider = c.provider and m.month = date_trunc('month', c.day)
  returning m.provider
)
select c.settled_cents from closed as c where exists (select from provider_month)
