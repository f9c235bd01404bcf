-- Messages whose dispatcher is gone. Claimed: nothing was asked yet, back into the queue. Sending: the request may have
-- been made, so what became of it is unknown, and it is never sent again.
update leadflow.messages
set
  state = case messages.state when 'claimed' then 'queued' else 'unknown' end::leadflow.message_state,
  error_code = case messages.state when 'claimed' then messages.error_code else 'dispatcher_lost' end,
  claimed_by = null,
  claimed_until = null
from (
  select lost.message_id, lost.state as was from leadflow.messages as lost
  where lost.org_id = :org_id and lost.state in ('claimed', 'sending') and lost.claimed_until < :now
  for update skip locked
) as lost
where messages.message_id = lost.message_id
returning messages.message_id, messages.contact_hash, messages.state
