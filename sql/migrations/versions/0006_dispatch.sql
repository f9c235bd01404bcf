-- A claim is a lease on a queued message, not a state of its own: what it sets is in no index, and pages keep room for it.
-- And what the login that dispatches may do.

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

-- It reads what a decision looks at, and no more: no owners, no records, no spend, no members, no replies. It changes a
-- message's fate and never whose it is, and deletes nothing. Row-level security binds it to one org, as it does the app.
do $$
declare name text;
begin
  foreach name in array array[
    'outreach_profiles', 'senders', 'rule_changes', 'jurisdiction_holds', 'consents', 'suppressions',
    'registry_licences', 'registry_versions', 'number_lookups', 'templates', 'campaigns', 'campaign_steps',
    'campaign_audience', 'campaign_changes', 'messages', 'message_events', 'call_results', 'send_slots', 'brand_days',
    'proof_heads'
  ] loop
    execute format('grant select on leadflow.%I to leadflow_dispatcher', name);
  end loop;
end
$$;
grant select, insert on leadflow.rule_versions to leadflow_dispatcher;
grant insert on
  leadflow.messages, leadflow.message_events, leadflow.suppressions, leadflow.campaign_changes, leadflow.send_slots,
  leadflow.brand_days, leadflow.proof_heads, leadflow.proof_entries, leadflow.proof_evidence
  to leadflow_dispatcher;
grant update (
  state, due_at, claimed_by, claimed_until, sender, contact_value, body, body_sha256, segments, decision_id,
  provider_id, attempted_at, accepted_at, settled_at, error_code, message
) on leadflow.messages to leadflow_dispatcher;
grant update (next_at) on leadflow.send_slots to leadflow_dispatcher;
grant update (messages) on leadflow.brand_days to leadflow_dispatcher;
grant update (seq, entry_hash) on leadflow.proof_heads to leadflow_dispatcher;
grant update (stopped_because) on leadflow.campaign_audience to leadflow_dispatcher;
grant update (state, paused_because) on leadflow.campaigns to leadflow_dispatcher;
grant update (is_active) on leadflow.senders to leadflow_dispatcher;
grant update (contact_value, reason, source, suppressed_at, lifted_at) on leadflow.suppressions to leadflow_dispatcher;
grant update (revoked_at, revoked_by) on leadflow.consents to leadflow_dispatcher;
grant execute on function leadflow.find_org(text) to leadflow_dispatcher;

-- What messengers tell may only ever stop something: a campaign, a sender, a person's messages.
create policy dispatcher_pauses on leadflow.campaigns as restrictive for update to leadflow_dispatcher
  using (true) with check (state = 'paused');
create policy dispatcher_stops on leadflow.senders as restrictive for update to leadflow_dispatcher
  using (true) with check (not is_active);
create policy dispatcher_ends on leadflow.campaign_audience as restrictive for update to leadflow_dispatcher
  using (true) with check (stopped_because is not null);
create policy dispatcher_suppresses on leadflow.suppressions as restrictive for insert to leadflow_dispatcher
  with check (origin in ('stop', 'bounce') and lifted_at is null);
create policy dispatcher_lifts_nothing on leadflow.suppressions as restrictive for update to leadflow_dispatcher
  using (true) with check (lifted_at is null);
create policy dispatcher_revokes on leadflow.consents as restrictive for update to leadflow_dispatcher
  using (true) with check (revoked_at is not null);
