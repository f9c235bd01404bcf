-- Ends a reservation once: settled (spent what it cost), released (spent nothing) or unknown (the answer was
-- lost, so all of it counts as spent). A reservation already closed is left alone and no row is returned.
with closed as (
  update leadflow.reservations as r
  set state = cast(:state as leadflow.reservation_state),
    settled_cents = case :state when 'unknown' then r.amount_cents else :cost_cents end,
    closed_at = :now
  where r.org_id = :org_id and r.reservation_id = :reservation_id and r.state = 'reserved'
  returning r.provider, r.day, r.amount_cents, r.settled_cents
), provider_day as (
  update leadflow.budget_days as d
  set reserved_cents = d.reserved_cents - c.amount_cents, spent_cents = d.spent_cents + c.settled_cents
  from closed as c
  where d.org_id = :org_id and d.provider = c.provider and d.day = c.day
  returning d.provider
), org_day as (
  update leadflow.budget_days as d
  set reserved_cents = d.reserved_cents - c.amount_cents, spent_cents = d.spent_cents + c.settled_cents
  from closed as c
  where exists (select from provider_day) and d.org_id = :org_id and d.provider = '*' and d.day = c.day
  returning d.provider
)
select c.settled_cents from closed as c where exists (select from org_day)
