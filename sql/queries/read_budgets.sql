-- Every limit of a day and its month, with what these have spent and reserved, and sums whose limit is gone.
select coalesce(l.period, s.period) as period, coalesce(l.provider, s.provider) as provider, l.limit_cents,
  coalesce(s.spent_cents, 0) as spent_cents, coalesce(s.reserved_cents, 0) as reserved_cents
from (select * from leadflow.budget_limits where org_id = :org_id) as l
full join (
  select 'day' as period, provider, spent_cents, reserved_cents
  from leadflow.budget_days where org_id = :org_id and day = :day
  union all
  select 'month', provider, spent_cents, reserved_cents
  from leadflow.budget_months where org_id = :org_id and month = date_trunc('month', cast(:day as date))
) as s on s.provider = l.provider and s.period = l.period
order by 1, 2
