-- Queued messages of one running campaign that may be claimed at :now, the longest due first. Those on which a claim
-- holds, and those that another dispatcher is about to claim, are passed over, and so is whoever was suppressed meanwhile (the sweep settles those).
select messages.message_id, messages.contact_hash
from leadflow.messages
where
  messages.org_id = :org_id
  and messages.campaign_id = :campaign_id
  and messages.state = 'queued'
  and messages.channel = :channel
  and messages.due_at <= :now
  and (messages.claimed_until is null or messages.claimed_until < :now)
  and (messages.expires_at is null or messages.expires_at > :now)
  and exists (
    select from leadflow.campaigns
    where
      campaigns.org_id = :org_id
      and campaigns.campaign_id = :campaign_id
      and campaigns.state = 'running'
  )
  and (
    select true from leadflow.suppressions
    where
      suppressions.org_id = messages.org_id
      and suppressions.kind = case messages.channel when 'mail' then 'mailing' when 'email' then 'email' else 'phone' end
      and suppressions.contact_hash = messages.contact_hash
      and suppressions.lifted_at is null
    limit 1
  ) is null -- not `not exists`: planned as a join while the statistics are old, it reads every suppression
order by messages.due_at
limit :most
for update of messages skip locked
