-- What became of leads as the org knew it at :known_by, one row per property, kind and day: what members and files say,
-- what calls came to, what the rules read in replies. Of several words on one the person's stands before the rules'.
-- An opt-out says nothing of the house, so it is none of these.
with noted as (
  select
    lead_outcomes.outcome_id::text as outcome_id,
    lead_outcomes.property_id,
    lead_outcomes.kind,
    lead_outcomes.happened_on,
    lead_outcomes.campaign_id,
    lead_outcomes.amount_cents,
    lead_outcomes.source as origin,
    lead_outcomes.noted_at as known_at,
    1 as standing
  from leadflow.lead_outcomes
  where
    lead_outcomes.org_id = :org_id
    and lead_outcomes.noted_at <= :known_by
    and (lead_outcomes.withdrawn_at is null or lead_outcomes.withdrawn_at > :known_by)
),

called as (
  select
    'call-' || call_results.result_id as outcome_id,
    messages.property_id,
    case call_results.outcome when 'wrong_number' then 'not_the_owner' else call_results.outcome end as kind,
    (call_results.called_at at time zone cast(:zone as text))::date as happened_on,
    messages.campaign_id,
    null::bigint as amount_cents,
    'call' as origin,
    call_results.called_at as known_at,
    2 as standing
  from leadflow.call_results
  inner join leadflow.messages
    on messages.org_id = call_results.org_id and messages.message_id = call_results.message_id
  where
    call_results.org_id = :org_id
    and call_results.called_at <= :known_by
    and call_results.outcome in ('interested', 'not_interested', 'appointment', 'wrong_number')
),

replied as (
  select
    inbound_messages.inbound_id::text as outcome_id,
    inbound_messages.property_id,
    case inbound_messages.reply_class when 'wrong_number' then 'not_the_owner' else inbound_messages.reply_class end
      as kind,
    (inbound_messages.received_at at time zone cast(:zone as text))::date as happened_on,
    inbound_messages.campaign_id,
    null::bigint as amount_cents,
    'reply' as origin,
    inbound_messages.received_at as known_at,
    3 as standing
  from leadflow.inbound_messages
  where
    inbound_messages.org_id = :org_id
    and inbound_messages.received_at <= :known_by
    and inbound_messages.property_id is not null
    and inbound_messages.reply_class in ('interested', 'not_interested', 'wrong_number')
),

told as (
  select * from noted
  union all
  select * from called
  union all
  select * from replied
)

select distinct on (told.property_id, told.kind, told.happened_on)
  told.outcome_id,
  told.property_id,
  told.kind,
  told.happened_on,
  campaigns.name as campaign,
  told.amount_cents,
  told.origin,
  told.known_at
from told
left join leadflow.campaigns on campaigns.org_id = :org_id and campaigns.campaign_id = told.campaign_id
order by told.property_id, told.kind, told.happened_on, told.standing, told.known_at, told.outcome_id
