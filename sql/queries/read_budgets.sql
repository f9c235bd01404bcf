-- Every limit with what its day has spent and reserved, and days with spend whose limit is gone.
select coalesce(l.provider, d.provider) as provider, l.limit_cents,
  coalesce(d.spent_cents, 0) as spent_cents, coalesce(d.reserved_cents, 0) as reserved_cents
from (select * from leadflow.budget_limits where org_id = :org_id and period = 'day') as l
full join (select * from leadflow.budget_days where org_id = :org_id and day = :day) as d
  on d.provider = l.provider
order by 1
