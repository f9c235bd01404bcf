-- The first tables. Column text is written in leadflow_pipelines/database/tables.py; a test compares both.

create type leadflow.reservation_state as enum ('reserved', 'settled', 'released', 'unknown');

create table leadflow.orgs (
  org_id uuid default gen_random_uuid() not null,
  slug text not null,
  name text not null,
  is_simulated boolean not null,
  created_at timestamptz default now() not null,
  constraint pk_orgs primary key (org_id),
  constraint uq_orgs_slug unique (slug)
);
comment on table leadflow.orgs is 'Tenants. An org''s records, money and people never meet another''s.';
comment on column leadflow.orgs.org_id is 'Identity of the org; never reused.';
comment on column leadflow.orgs.slug is 'Short name used in commands, lake prefixes and role names.';
comment on column leadflow.orgs.name is 'Name for people.';
comment on column leadflow.orgs.is_simulated is 'Knows only simulated vendors; fixed when the org is made.';
comment on column leadflow.orgs.created_at is 'Instant at which the org was made.';

create table leadflow.bi_logins (
  role_name text not null,
  org_id uuid not null,
  constraint pk_bi_logins primary key (role_name),
  constraint fk_bi_logins_org_id foreign key (org_id) references leadflow.orgs (org_id)
);
comment on table leadflow.bi_logins is 'Which org''s marts a BI login may read.';
comment on column leadflow.bi_logins.role_name is 'Postgres login that reads the org''s marts.';
comment on column leadflow.bi_logins.org_id is 'Org that owns the row; row-level security compares it with app.org_id.';

create table leadflow.budget_limits (
  org_id uuid not null,
  provider text not null,
  period text not null,
  limit_cents numeric(14, 4) not null,
  set_by text not null,
  set_at timestamptz default now() not null,
  constraint pk_budget_limits primary key (org_id, provider, period),
  constraint ck_budget_limits_period check (period in ('day')),
  constraint ck_budget_limits_limit_cents check (limit_cents >= 0),
  constraint fk_budget_limits_org_id foreign key (org_id) references leadflow.orgs (org_id)
);
comment on table leadflow.budget_limits is 'Hard limits on paid calls.';
comment on column leadflow.budget_limits.org_id is 'Org that owns the row; row-level security compares it with app.org_id.';
comment on column leadflow.budget_limits.provider is 'Provider; `*` limits all providers together.';
comment on column leadflow.budget_limits.period is 'Period that the limit covers.';
comment on column leadflow.budget_limits.limit_cents is 'Most that may be spent and reserved in one period, US cents.';
comment on column leadflow.budget_limits.set_by is 'Who set it: a person, or `default`.';
comment on column leadflow.budget_limits.set_at is 'Instant at which it was set.';

create table leadflow.budget_days (
  org_id uuid not null,
  provider text not null,
  day date not null,
  spent_cents numeric(14, 4) default 0 not null,
  reserved_cents numeric(14, 4) default 0 not null,
  constraint pk_budget_days primary key (org_id, provider, day),
  constraint ck_budget_days_spent_cents check (spent_cents >= 0),
  constraint ck_budget_days_reserved_cents check (reserved_cents >= 0),
  constraint fk_budget_days_org_id foreign key (org_id) references leadflow.orgs (org_id)
);
comment on table leadflow.budget_days is 'What a day has spent and reserved; one conditional update here is the budget.';
comment on column leadflow.budget_days.org_id is 'Org that owns the row; row-level security compares it with app.org_id.';
comment on column leadflow.budget_days.provider is 'Provider; `*` sums all providers.';
comment on column leadflow.budget_days.day is 'Calendar day in LEADFLOW_TIMEZONE.';
comment on column leadflow.budget_days.spent_cents is 'Settled, US cents.';
comment on column leadflow.budget_days.reserved_cents is 'Worst case of the calls under way, US cents.';

create table leadflow.reservations (
  reservation_id uuid not null,
  org_id uuid not null,
  provider text not null,
  day date not null,
  amount_cents numeric(14, 4) not null,
  settled_cents numeric(14, 4),
  state leadflow.reservation_state not null,
  fingerprint text not null,
  run_id text,
  correlation_id text,
  created_at timestamptz default now() not null,
  closed_at timestamptz,
  constraint pk_reservations primary key (reservation_id),
  constraint ck_reservations_amount_cents check (amount_cents >= 0),
  constraint ck_reservations_settled_cents check (settled_cents >= 0),
  constraint fk_reservations_org_id foreign key (org_id) references leadflow.orgs (org_id)
);
create index ix_reservations_org_id_day_provider on leadflow.reservations (org_id, day, provider);
comment on table leadflow.reservations is 'Money set aside before a call is made.';
comment on column leadflow.reservations.reservation_id is 'Identity of the reservation.';
comment on column leadflow.reservations.org_id is 'Org that owns the row; row-level security compares it with app.org_id.';
comment on column leadflow.reservations.provider is 'Provider about to be called.';
comment on column leadflow.reservations.day is 'Budget day, in LEADFLOW_TIMEZONE.';
comment on column leadflow.reservations.amount_cents is 'Worst-case price reserved, US cents.';
comment on column leadflow.reservations.settled_cents is 'What the call did cost, US cents; null until closed.';
comment on column leadflow.reservations.state is 'unknown: the answer was lost, so the amount counts as spent.';
comment on column leadflow.reservations.fingerprint is 'Fingerprint of the request.';
comment on column leadflow.reservations.run_id is 'Run or command that reserved.';
comment on column leadflow.reservations.correlation_id is 'Ties the run, its calls and its log lines together.';
comment on column leadflow.reservations.created_at is 'Instant of the reservation.';
comment on column leadflow.reservations.closed_at is 'Instant at which it was settled or released.';

create table leadflow.provider_pulls (
  org_id uuid not null,
  fingerprint text not null,
  provider text not null,
  endpoint text not null,
  zip text,
  day date not null,
  parameters jsonb default '{}'::jsonb not null,
  path text not null,
  items integer not null,
  cost_cents numeric(14, 4) default 0 not null,
  fetched_at timestamptz default now() not null,
  constraint pk_provider_pulls primary key (org_id, fingerprint),
  constraint ck_provider_pulls_items check (items >= 0),
  constraint ck_provider_pulls_cost_cents check (cost_cents >= 0),
  constraint fk_provider_pulls_org_id foreign key (org_id) references leadflow.orgs (org_id)
);
create index ix_provider_pulls_org_id_provider_day_zip on leadflow.provider_pulls (org_id, provider, day, zip);
comment on table leadflow.provider_pulls is 'The authority on what is cached: a pull that is here is not bought again.';
comment on column leadflow.provider_pulls.org_id is 'Org that owns the row; row-level security compares it with app.org_id.';
comment on column leadflow.provider_pulls.fingerprint is 'Hash of provider, endpoint, parameters and day.';
comment on column leadflow.provider_pulls.provider is 'Provider that answered.';
comment on column leadflow.provider_pulls.endpoint is 'Endpoint that was called.';
comment on column leadflow.provider_pulls.zip is 'ZIP asked for; null where the call is not about one.';
comment on column leadflow.provider_pulls.day is 'Partition day.';
comment on column leadflow.provider_pulls.parameters is 'Canonical parameters, without secrets.';
comment on column leadflow.provider_pulls.path is 'Where the raw answer lies, relative to the org''s lake.';
comment on column leadflow.provider_pulls.items is 'Records in the answer.';
comment on column leadflow.provider_pulls.cost_cents is 'What it cost, US cents.';
comment on column leadflow.provider_pulls.fetched_at is 'Instant at which the answer was received.';

create table leadflow.provider_calls (
  call_id uuid not null,
  org_id uuid not null,
  provider text not null,
  endpoint text not null,
  fingerprint text not null,
  reservation_id uuid,
  run_id text,
  correlation_id text,
  asset_key text,
  zip text,
  day date not null,
  attempt integer not null,
  outcome text not null,
  http_status integer,
  latency_ms integer,
  items integer default 0 not null,
  cost_cents numeric(14, 4) default 0 not null,
  message text,
  called_at timestamptz default now() not null,
  constraint pk_provider_calls primary key (call_id),
  constraint ck_provider_calls_outcome check (outcome in ('ok', 'cache_hit', 'transient', 'terminal', 'unknown', 'budget')),
  constraint ck_provider_calls_attempt check (attempt >= 1),
  constraint ck_provider_calls_cost_cents check (cost_cents >= 0),
  constraint fk_provider_calls_org_id foreign key (org_id) references leadflow.orgs (org_id)
);
create index ix_provider_calls_org_id_day_provider on leadflow.provider_calls (org_id, day, provider);
comment on table leadflow.provider_calls is 'The spend ledger: every attempt, append-only.';
comment on column leadflow.provider_calls.call_id is 'Identity of the attempt.';
comment on column leadflow.provider_calls.org_id is 'Org that owns the row; row-level security compares it with app.org_id.';
comment on column leadflow.provider_calls.provider is 'Provider called.';
comment on column leadflow.provider_calls.endpoint is 'Endpoint called.';
comment on column leadflow.provider_calls.fingerprint is 'Fingerprint of the request.';
comment on column leadflow.provider_calls.reservation_id is 'Reservation that covered it; null where nothing was reserved.';
comment on column leadflow.provider_calls.run_id is 'Run or command that called.';
comment on column leadflow.provider_calls.correlation_id is 'Ties the run, its calls and its log lines together.';
comment on column leadflow.provider_calls.asset_key is 'Asset that was being made.';
comment on column leadflow.provider_calls.zip is 'ZIP asked for; null where the call is not about one.';
comment on column leadflow.provider_calls.day is 'Budget day, in LEADFLOW_TIMEZONE.';
comment on column leadflow.provider_calls.attempt is '1 is the first attempt of a call.';
comment on column leadflow.provider_calls.outcome is 'budget: refused before it was sent. unknown: sent, the answer was lost.';
comment on column leadflow.provider_calls.http_status is 'HTTP status; null where none was received.';
comment on column leadflow.provider_calls.latency_ms is 'Milliseconds from request to answer.';
comment on column leadflow.provider_calls.items is 'Records in the answer.';
comment on column leadflow.provider_calls.cost_cents is 'What it cost, US cents.';
comment on column leadflow.provider_calls.message is 'What went wrong, without secrets or personal data.';
comment on column leadflow.provider_calls.called_at is 'Instant of the attempt.';

create table leadflow.imported_files (
  org_id uuid not null,
  source text not null,
  sha256 text not null,
  file_name text not null,
  mapping jsonb not null,
  day date not null,
  rows_in integer not null,
  records integer not null,
  rejected integer not null,
  unlocated integer not null,
  imported_at timestamptz default now() not null,
  constraint pk_imported_files primary key (org_id, source, sha256),
  constraint fk_imported_files_org_id foreign key (org_id) references leadflow.orgs (org_id)
);
comment on table leadflow.imported_files is 'County files already read, so that a second import changes nothing.';
comment on column leadflow.imported_files.org_id is 'Org that owns the row; row-level security compares it with app.org_id.';
comment on column leadflow.imported_files.source is 'Name given to the file''s source.';
comment on column leadflow.imported_files.sha256 is 'Hash of the file''s bytes, hex.';
comment on column leadflow.imported_files.file_name is 'Name of the file as given.';
comment on column leadflow.imported_files.mapping is 'Mapping with which it was read.';
comment on column leadflow.imported_files.day is 'Partition day it was imported under.';
comment on column leadflow.imported_files.rows_in is 'Rows read; records + rejected.';
comment on column leadflow.imported_files.records is 'Rows that became records.';
comment on column leadflow.imported_files.rejected is 'Rows refused, each with its reason in rejected_records.';
comment on column leadflow.imported_files.unlocated is 'Records that no evidence places in a ZIP.';
comment on column leadflow.imported_files.imported_at is 'Instant of the import.';

create table leadflow.suppressions (
  org_id uuid not null,
  kind text not null,
  contact_value text not null,
  reason text not null,
  source text not null,
  suppressed_at timestamptz default now() not null,
  constraint pk_suppressions primary key (org_id, kind, contact_value),
  constraint ck_suppressions_kind check (kind in ('phone', 'email', 'mailing')),
  constraint fk_suppressions_org_id foreign key (org_id) references leadflow.orgs (org_id)
);
comment on table leadflow.suppressions is 'Contact points nobody of the org may use. Never expires.';
comment on column leadflow.suppressions.org_id is 'Org that owns the row; row-level security compares it with app.org_id.';
comment on column leadflow.suppressions.kind is 'phone, email or mailing.';
comment on column leadflow.suppressions.contact_value is 'E.164 number, lower-case e-mail or address key.';
comment on column leadflow.suppressions.reason is 'Why nobody may write or call there.';
comment on column leadflow.suppressions.source is 'Where the wish came from.';
comment on column leadflow.suppressions.suppressed_at is 'Instant from which it holds.';

create table leadflow.consents (
  consent_id uuid not null,
  org_id uuid not null,
  contact_value text not null,
  channel text not null,
  purpose text not null,
  kind text not null,
  wording text not null,
  source text not null,
  captured_at timestamptz not null,
  expires_at timestamptz,
  revoked_at timestamptz,
  constraint pk_consents primary key (consent_id),
  constraint fk_consents_org_id foreign key (org_id) references leadflow.orgs (org_id)
);
create index ix_consents_org_id_contact_value on leadflow.consents (org_id, contact_value);
comment on table leadflow.consents is 'First-party consents: what was agreed to, by whom, when and in which words.';
comment on column leadflow.consents.consent_id is 'Identity of the consent.';
comment on column leadflow.consents.org_id is 'Org that owns the row; row-level security compares it with app.org_id.';
comment on column leadflow.consents.contact_value is 'E.164 number, lower-case e-mail or address key.';
comment on column leadflow.consents.channel is 'Channel it covers: sms, voice, mail or email.';
comment on column leadflow.consents.purpose is 'Purpose it covers, in the words of the form.';
comment on column leadflow.consents.kind is 'Kind of consent, e.g. express_written.';
comment on column leadflow.consents.wording is 'The exact words the person agreed to.';
comment on column leadflow.consents.source is 'Where it was given: form, call or paper.';
comment on column leadflow.consents.captured_at is 'Instant at which it was given.';
comment on column leadflow.consents.expires_at is 'Instant after which it no longer holds; null: none set.';
comment on column leadflow.consents.revoked_at is 'Instant at which it was withdrawn; null: it stands.';

create table leadflow.outreach_list_entries (
  org_id uuid not null,
  day date not null,
  contact_point_id text not null,
  channel text not null,
  zip text not null,
  property_id text not null,
  verdict text not null,
  reason_codes text[] not null,
  contact_value text not null,
  person_name text,
  zones text[],
  states text[],
  calling_windows jsonb,
  next_open_at timestamptz,
  valid_until timestamptz not null,
  rule_version text not null,
  evidence_hash text not null,
  constraint pk_outreach_list_entries primary key (org_id, day, contact_point_id, channel),
  constraint ck_outreach_list_entries_verdict check (verdict in ('cleared', 'blocked'))
);
create index ix_outreach_list_entries_org_id_day_zip on leadflow.outreach_list_entries (org_id, day, zip);
comment on table leadflow.outreach_list_entries is 'The outreach lists as decided, for the transactions that send.';
comment on column leadflow.outreach_list_entries.org_id is 'Org that owns the row; row-level security compares it with app.org_id.';
comment on column leadflow.outreach_list_entries.day is 'Partition day.';
comment on column leadflow.outreach_list_entries.contact_point_id is 'Contact point, as in lead_contacts.';
comment on column leadflow.outreach_list_entries.channel is 'sms, voice (dialled by hand), mail or email.';
comment on column leadflow.outreach_list_entries.zip is 'ZIP partition: five digits, or `unlocated`.';
comment on column leadflow.outreach_list_entries.property_id is 'Stable identity of the property.';
comment on column leadflow.outreach_list_entries.verdict is 'cleared or blocked.';
comment on column leadflow.outreach_list_entries.reason_codes is 'Every reason that blocks; empty when cleared.';
comment on column leadflow.outreach_list_entries.contact_value is 'Phone, e-mail or mailing address of the contact point.';
comment on column leadflow.outreach_list_entries.person_name is 'Person to ask for.';
comment on column leadflow.outreach_list_entries.zones is 'Every plausible IANA zone of the person.';
comment on column leadflow.outreach_list_entries.states is 'Every plausible state of the person.';
comment on column leadflow.outreach_list_entries.calling_windows is 'Weekly windows inside all zones and states; null for mail and e-mail.';
comment on column leadflow.outreach_list_entries.next_open_at is 'First instant at which a call or text may start.';
comment on column leadflow.outreach_list_entries.valid_until is 'After this instant the clearance no longer holds.';
comment on column leadflow.outreach_list_entries.rule_version is 'Version of the rules that decided.';
comment on column leadflow.outreach_list_entries.evidence_hash is 'Hash of everything the decision looked at.';
-- Tenancy. The org is set per transaction; without one every tenant table is empty. Forced, so that the
-- owner's own queries are held to it as well. The select around the setting makes it one lookup a query,
-- not one a row.
do $$
declare
  name text;
begin
  foreach name in array array[
    'orgs', 'bi_logins', 'budget_limits', 'budget_days', 'reservations', 'provider_pulls', 'provider_calls',
    'imported_files', 'suppressions', 'consents', 'outreach_list_entries'
  ] loop
    execute format('alter table leadflow.%I enable row level security, force row level security', name);
    execute format(
      'create policy tenant on leadflow.%I'
      ' using (org_id = (select nullif(current_setting(''app.org_id'', true), '''')::uuid))'
      ' with check (org_id = (select nullif(current_setting(''app.org_id'', true), '''')::uuid))',
      name
    );
    if name not in ('orgs', 'bi_logins', 'provider_calls') then
      execute format('grant select, insert, update, delete on leadflow.%I to leadflow_app', name);
    end if;
  end loop;
end
$$;

-- Orgs are made by the migrating login; the app sees its own.
grant select on leadflow.orgs to leadflow_app;
-- The ledger is append-only.
grant select, insert on leadflow.provider_calls to leadflow_app;
grant select on leadflow.alembic_version to leadflow_app;

-- The directory functions below run as the owner, who alone sees all orgs and logins.
create policy directory on leadflow.orgs to leadflow_owner using (true) with check (true);
create policy directory on leadflow.bi_logins to leadflow_owner using (true) with check (true);

create function leadflow.list_orgs()
returns table (org_id uuid, slug text, name text, is_simulated boolean)
language sql stable security definer set search_path = ''
as $$ select org_id, slug, name, is_simulated from leadflow.orgs order by slug $$;

create function leadflow.find_org(wanted text)
returns table (org_id uuid, slug text, name text, is_simulated boolean)
language sql stable security definer set search_path = ''
as $$ select org_id, slug, name, is_simulated from leadflow.orgs where slug = wanted $$;

create function leadflow.bi_org() returns uuid
language sql stable security definer set search_path = ''
as $$ select org_id from leadflow.bi_logins where role_name = session_user $$;

comment on function leadflow.list_orgs() is 'Every org, for the operator''s commands.';
comment on function leadflow.find_org(text) is 'The org of that slug, before any org is set.';
comment on function leadflow.bi_org() is
  'The org whose marts the login of this session may read; null for a login that is no BI login.';

revoke all on function leadflow.list_orgs(), leadflow.find_org(text), leadflow.bi_org() from public;
grant execute on function leadflow.list_orgs(), leadflow.find_org(text) to leadflow_app;
grant execute on function leadflow.bi_org() to leadflow_bi, leadflow_marts, leadflow_app;
