-- Of the last :weighed messages of a running campaign whose fate is known since it was last started: how many there
-- are, and how many failed.
select
  count(*) as weighed,
  count(*) filter (where newest.state = 'failed') as failed
from (
  select messages.state from leadflow.messages
  where
    messages.campaign_id = :campaign_id
    and messages.state in ('delivered', 'failed')
    and messages.settled_at > (
      select max(changes.changed_at) from leadflow.campaign_changes as changes
      where changes.org_id = :org_id and changes.campaign_id = :campaign_id and changes.to_state = 'running'
    )
  order by messages.settled_at desc
  limit :weighed
) as newest
