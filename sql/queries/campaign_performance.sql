-- One row per campaign, step and channel of the org: what was queued, what became of it, what came back. Replies and
-- clicks count to the step they answer. held_out and held_out_responses are of the whole campaign, on each row.
with told as (
  select
    messages.campaign_id,
    messages.step,
    messages.channel,
    count(*) as queued,
    count(*) filter (where messages.state in ('queued', 'sending')) as waiting,
    count(*) filter (where messages.state = 'blocked') as blocked,
    count(*) filter (where messages.state = 'cancelled') as cancelled,
    count(*) filter (where messages.accepted_at is not null) as sent,
    count(*) filter (where messages.state = 'delivered') as delivered,
    count(*) filter (where messages.state = 'failed') as failed,
    count(*) filter (where messages.state = 'unknown') as unknown,
    coalesce(sum(messages.segments) filter (where messages.accepted_at is not null), 0) as segments
  from leadflow.messages
  where messages.org_id = :org_id
  group by messages.campaign_id, messages.step, messages.channel
),

block_reasons as (
  select
    each.campaign_id,
    each.step,
    each.channel,
    string_agg(each.code || ' ' || each.messages, '; ' order by each.messages desc, each.code) as blocked_by
  from (
    select
      messages.campaign_id,
      messages.step,
      messages.channel,
      codes.code,
      count(*) as messages
    from leadflow.messages
    cross join lateral unnest(string_to_array(coalesce(messages.error_code, 'unknown'), ',')) as codes (code)
    where messages.org_id = :org_id and messages.state = 'blocked'
    group by messages.campaign_id, messages.step, messages.channel, codes.code
  ) as each
  group by each.campaign_id, each.step, each.channel
),

answers as (
  select
    messages.campaign_id,
    messages.step,
    messages.channel,
    count(*) as replies,
    count(*) filter (where inbound_messages.reply_class = 'interested') as interested,
    count(*) filter (where inbound_messages.reply_class = 'not_interested') as not_interested,
    count(*) filter (where inbound_messages.reply_class = 'wrong_number') as wrong_numbers,
    count(*) filter (where inbound_messages.reply_class = 'revocation') as opt_outs
  from leadflow.inbound_messages
  inner join leadflow.messages
    on messages.org_id = inbound_messages.org_id and messages.message_id = inbound_messages.message_id
  where inbound_messages.org_id = :org_id
  group by messages.campaign_id, messages.step, messages.channel
),

clicks as (
  select
    messages.campaign_id,
    messages.step,
    messages.channel,
    count(distinct link_clicks.message_id) as clicked
  from leadflow.link_clicks
  inner join leadflow.messages
    on messages.org_id = link_clicks.org_id and messages.message_id = link_clicks.message_id
  where link_clicks.org_id = :org_id and link_clicks.is_counted
  group by messages.campaign_id, messages.step, messages.channel
),

held_out as (
  select
    campaign_audience.campaign_id,
    count(*) as held_out,
    count(*) filter (
      where exists (
        select from leadflow.inbound_messages
        where
          inbound_messages.org_id = campaign_audience.org_id
          and inbound_messages.contact_hash = campaign_audience.contact_hash
          and inbound_messages.reply_class = 'interested'
          and inbound_messages.received_at >= campaigns.created_at
      )
    ) as held_out_interested
  from leadflow.campaign_audience
  inner join leadflow.campaigns
    on campaigns.org_id = campaign_audience.org_id and campaigns.campaign_id = campaign_audience.campaign_id
  where campaign_audience.org_id = :org_id and campaign_audience.is_holdout
  group by campaign_audience.campaign_id
)

select
  campaigns.name as campaign,
  campaigns.state::text as state,
  told.step,
  told.channel,
  told.queued,
  told.waiting,
  told.blocked,
  block_reasons.blocked_by,
  told.cancelled,
  told.sent,
  told.delivered,
  told.failed,
  told.unknown,
  told.segments,
  coalesce(answers.replies, 0) as replies,
  coalesce(answers.interested, 0) as interested,
  coalesce(answers.not_interested, 0) as not_interested,
  coalesce(answers.wrong_numbers, 0) as wrong_numbers,
  coalesce(answers.opt_outs, 0) as opt_outs,
  coalesce(clicks.clicked, 0) as clicked,
  coalesce(held_out.held_out, 0) as held_out,
  coalesce(held_out.held_out_interested, 0) as held_out_interested
from told
inner join leadflow.campaigns on campaigns.org_id = :org_id and campaigns.campaign_id = told.campaign_id
left join block_reasons
  on
    block_reasons.campaign_id = told.campaign_id
    and block_reasons.step = told.step
    and block_reasons.channel = told.channel
left join answers
  on answers.campaign_id = told.campaign_id and answers.step = told.step and answers.channel = told.channel
left join clicks
  on clicks.campaign_id = told.campaign_id and clicks.step = told.step and clicks.channel = told.channel
left join held_out on held_out.campaign_id = told.campaign_id
order by campaigns.name, told.step, told.channel
