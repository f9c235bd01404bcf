-- Intents for every step of the org's campaigns in :states that is due by :now and not queued yet; :most of them, or all
-- where it is null.
-- A step follows the one before it on the same property, whichever channel that went by; while that is under way the
-- next one waits.
insert into leadflow.messages (
  message_id, org_id, campaign_id, step, channel, contact_point_id, property_id, contact_hash, state, due_at, expires_at
)
select
  gen_random_uuid(), audience.org_id, audience.campaign_id, steps.step, steps.channel, audience.contact_point_id,
  audience.property_id, audience.contact_hash, 'queued', due.due_at, campaigns.ends_at
from leadflow.campaigns
join leadflow.campaign_steps as steps using (org_id, campaign_id)
join leadflow.campaign_audience as audience using (org_id, campaign_id)
left join lateral (
  select
    max(coalesce(earlier.accepted_at, earlier.settled_at)) as last_at,
    bool_or(earlier.state in ('queued', 'sending')) as is_under_way
  from leadflow.messages as earlier
  where
    earlier.org_id = audience.org_id
    and earlier.campaign_id = audience.campaign_id
    and earlier.property_id = audience.property_id
    and earlier.step = steps.step - 1
) as before on steps.step > 1
cross join lateral (
  select case
    when steps.step = 1 then :now
    when before.last_at is not null then before.last_at + make_interval(hours => steps.delay_hours)
    else (
      select min(changes.changed_at) from leadflow.campaign_changes as changes
      where
        changes.org_id = audience.org_id
        and changes.campaign_id = audience.campaign_id
        and changes.to_state = 'running'
    ) + make_interval(hours => (
      select sum(until.delay_hours)::integer from leadflow.campaign_steps as until
      where until.campaign_id = steps.campaign_id and until.step between 2 and steps.step
    ))
  end as due_at
) as due
where
  campaigns.org_id = :org_id
  and campaigns.state = any(cast(:states as leadflow.campaign_state[]))
  and (campaigns.ends_at is null or campaigns.ends_at > :now)
  and not audience.is_holdout
  and audience.stopped_because is null
  and audience.evidence is not null
  and audience.kind = case steps.channel when 'mail' then 'mailing' when 'email' then 'email' else 'phone' end
  and not coalesce(before.is_under_way, false)
  and due.due_at <= :now
  and not exists (
    select from leadflow.messages as known
    where
      known.campaign_id = audience.campaign_id
      and known.step = steps.step
      and known.contact_hash = audience.contact_hash
  )
limit :most
on conflict (campaign_id, step, contact_hash) do nothing
