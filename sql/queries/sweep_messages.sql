-- What no dispatcher may send any more, settled: its campaign is over, its person was suppressed, answered or erased.
with gone as (
  select queued.message_id, case campaigns.state when 'cancelled' then 'campaign_cancelled' else 'expired' end as reason
  from leadflow.campaigns
  join leadflow.messages as queued using (org_id, campaign_id)
  where
    campaigns.org_id = :org_id
    and queued.state = 'queued'
    and (campaigns.state = 'cancelled' or (campaigns.ends_at <= :now and queued.expires_at <= :now))
  union all
  select queued.message_id, case when audience.evidence is null then 'erased' else 'stopped' end as reason
  from leadflow.campaign_audience as audience
  join leadflow.messages as queued using (org_id, contact_hash, campaign_id, contact_point_id)
  where
    audience.org_id = :org_id
    and (audience.stopped_because is not null or audience.evidence is null)
    and queued.state = 'queued'
  union all
  select queued.message_id, 'suppressed' as reason
  from leadflow.suppressions
  join leadflow.messages as queued using (org_id, contact_hash)
  where suppressions.org_id = :org_id and suppressions.lifted_at is null and queued.state = 'queued'
),
swept as (
  select held.message_id, min(gone.reason) as reason
  from gone
  join lateral (
    select messages.message_id from leadflow.messages
    where messages.message_id = gone.message_id and messages.state = 'queued'
    for update skip locked
  ) as held using (message_id)
  group by held.message_id
)
update leadflow.messages
set
  state = case swept.reason when 'expired' then 'blocked' else 'cancelled' end::leadflow.message_state,
  error_code = swept.reason,
  settled_at = :now,
  claimed_by = null,
  claimed_until = null
from swept
where messages.message_id = swept.message_id
returning messages.message_id, messages.contact_hash, messages.state, messages.error_code
