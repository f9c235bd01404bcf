-- A message waits, was blocked, cancelled or lost, or the messenger took or refused it: nothing is counted twice.
select campaign, step, channel
from {{ ref('mart_campaign_performance') }}
where waiting + blocked + cancelled + unknown + failed + delivered > queued
