-- The next slot of a provider's key, and how many seconds away it is. Slots lie one interval apart; after a rest up to
-- `burst` of them may be taken at once (a token bucket, kept as the instant at which it would be full).
insert into leadflow.provider_rates as r (rate_key, provider, next_at)
values (:rate_key, :provider, clock_timestamp() - make_interval(secs => :interval * (:burst - 1)) + make_interval(secs => :interval))
on conflict (rate_key) do update
set next_at = greatest(r.next_at, clock_timestamp() - make_interval(secs => :interval * (:burst - 1)))
  + make_interval(secs => :interval)
returning extract(epoch from r.next_at - make_interval(secs => :interval) - clock_timestamp())::float8
