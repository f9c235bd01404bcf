-- The messenger's answers, written to those messages that still wait for them; returns which.
-- What was not taken is queued again, and is no attempt that counts.
update leadflow.messages
set
  state = answers.state::leadflow.message_state,
  provider_id = answers.provider_id,
  segments = coalesce(answers.segments, messages.segments),
  due_at = coalesce(answers.due_at, messages.due_at),
  accepted_at = answers.accepted_at,
  settled_at = answers.settled_at,
  error_code = answers.error_code,
  message = answers.message,
  attempted_at = case answers.state when 'queued' then null else messages.attempted_at end,
  sender = case answers.state when 'queued' then null else messages.sender end,
  body = case answers.state when 'queued' then null else messages.body end,
  claimed_by = null,
  claimed_until = null
from
  jsonb_to_recordset(:answers) as answers (
    message_id uuid,
    state text,
    provider_id text,
    segments integer,
    due_at timestamptz,
    accepted_at timestamptz,
    settled_at timestamptz,
    error_code text,
    message text
  )
where messages.message_id = answers.message_id and messages.org_id = :org_id and messages.state = 'sending'
returning messages.message_id
