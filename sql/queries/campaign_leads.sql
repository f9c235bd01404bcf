-- The leads of each campaign that ever ran, one row each: held out or not, and when the first message or call was made.
-- Whoever is held out counts from the same day as whoever is contacted: the day on which the campaign first ran.
with started as (
  select
    campaign_changes.campaign_id,
    (min(campaign_changes.changed_at) at time zone cast(:zone as text))::date as started_on
  from leadflow.campaign_changes
  where campaign_changes.org_id = :org_id and campaign_changes.to_state = 'running'
  group by campaign_changes.campaign_id
),

leads as (
  select
    campaign_audience.campaign_id,
    campaign_audience.property_id,
    bool_or(campaign_audience.is_holdout) as is_held_out
  from leadflow.campaign_audience
  where campaign_audience.org_id = :org_id
  group by campaign_audience.campaign_id, campaign_audience.property_id
),

contacted as (
  select
    messages.campaign_id,
    messages.property_id,
    (min(messages.attempted_at) at time zone cast(:zone as text))::date as contacted_on
  from leadflow.messages
  where messages.org_id = :org_id and messages.attempted_at is not null
  group by messages.campaign_id, messages.property_id
)

select
  campaigns.name as campaign,
  leads.property_id,
  leads.is_held_out,
  started.started_on,
  contacted.contacted_on
from leads
inner join started on started.campaign_id = leads.campaign_id
inner join leadflow.campaigns on campaigns.org_id = :org_id and campaigns.campaign_id = leads.campaign_id
left join contacted on contacted.campaign_id = leads.campaign_id and contacted.property_id = leads.property_id
order by campaigns.name, leads.property_id
