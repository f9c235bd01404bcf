-- What no dispatcher may send any more, settled: its time is over, its person was suppressed or answered.
update leadflow.messages
set
  state = case when swept.reason = 'expired' then 'blocked' else 'cancelled' end::leadflow.message_state,
  error_code = swept.reason,
  settled_at = :now
from (
  select
    queued.message_id,
    case
      when queued.expires_at <= :now then 'expired'
      when audience.stopped_because is not null then 'stopped'
      else 'suppressed'
    end as reason
  from leadflow.messages as queued
  left join leadflow.campaign_audience as audience
    on
      audience.org_id = queued.org_id
      and audience.campaign_id = queued.campaign_id
      and audience.contact_point_id = queued.contact_point_id
  where
    queued.org_id = :org_id
    and queued.state = 'queued'
    and (
      queued.expires_at <= :now
      or audience.stopped_because is not null
      or queued.contact_hash in (
        select suppressions.contact_hash from leadflow.suppressions
        where suppressions.org_id = :org_id and suppressions.lifted_at is null
      )
    )
  for update of queued skip locked
) as swept
where messages.message_id = swept.message_id
returning messages.message_id, messages.contact_hash, messages.state, messages.error_code
