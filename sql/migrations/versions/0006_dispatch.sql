-- A claim is a lease on a queued message, not a state of its own: what it sets is in no index, and pages keep room for it.

alter table leadflow.messages no force row level security;
update leadflow.messages set state = 'queued' where state = 'claimed';
update leadflow.messages set claimed_by = null, claimed_until = null
where (claimed_by is null) <> (claimed_until is null);
alter table leadflow.messages force row level security;
drop index leadflow.ix_messages_due;
drop index leadflow.ix_messages_settled;
drop index leadflow.ix_messages_under_way;
alter table leadflow.messages
  drop constraint ck_messages_claimed,
  drop constraint ck_messages_attempted;
alter table leadflow.messages set (fillfactor = 45);
alter type leadflow.message_state rename to message_state_before;
create type leadflow.message_state as enum ('queued', 'sending', 'accepted', 'delivered', 'failed', 'blocked', 'unknown', 'cancelled');
alter table leadflow.messages
  alter column state type leadflow.message_state using state::text::leadflow.message_state;
drop type leadflow.message_state_before;
alter table leadflow.messages
  add constraint ck_messages_claimed check ((claimed_by is null) = (claimed_until is null)),
  add constraint ck_messages_sending check (state <> 'sending' or claimed_until is not null),
  add constraint ck_messages_attempted check (state not in ('sending', 'accepted', 'delivered', 'unknown') or attempted_at is not null);
create index ix_messages_due on leadflow.messages (campaign_id, channel, due_at) where state = 'queued';
create index ix_messages_settled on leadflow.messages (campaign_id, settled_at) where state in ('delivered', 'failed');
create index ix_messages_under_way on leadflow.messages (org_id, state) where state in ('sending', 'accepted', 'unknown');
comment on column leadflow.messages.state is 'queued → sending (about to be asked of the messenger) → its fate.';
comment on column leadflow.messages.claimed_by is 'Dispatcher that has it. Changed by every claim, so in no index.';
comment on column leadflow.messages.claimed_until is 'Instant at which that claim counts as lost. In no index, too.';
