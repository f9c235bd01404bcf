-- Messages whose dispatcher is gone after it committed to them: the request may have been made, so what became of it is
-- unknown, and it is never sent again. Claims of the dead need nothing: they end by themselves.
update leadflow.messages
set state = 'unknown', error_code = 'dispatcher_lost', claimed_by = null, claimed_until = null
from (
  select lost.message_id from leadflow.messages as lost
  where lost.org_id = :org_id and lost.state = 'sending' and lost.claimed_until < :now
  for update skip locked
) as lost
where messages.message_id = lost.message_id
returning messages.message_id, messages.contact_hash, messages.state, messages.error_code
