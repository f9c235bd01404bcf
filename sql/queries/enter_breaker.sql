-- Whether a provider may be asked. Where its pause is over, or the last probe was lost, this call becomes the probe.
with probe as (
  update leadflow.provider_breakers
  set state = 'half_open', probe_until = :probe_until, changed_at = :now
  where provider = :provider and host = :host
    and ((state = 'open' and open_until <= :now) or (state = 'half_open' and probe_until <= :now))
  returning provider, host, failures
), told as (
  insert into leadflow.provider_breaker_changes (provider, host, state, failures, changed_at)
  select provider, host, 'half_open', failures, :now from probe
)
select state, failures, open_until, exists (select from probe) as is_probe
from leadflow.provider_breakers
where provider = :provider and host = :host
