-- Campaigns, the outbox, consents with their evidence, do-not-call lists, dated rules and the chain of proof.

-- Suppressions and consents know people by a keyed hash, so that they outlive an erasure. Rows from before have an
-- unkeyed one (version 0) beside the value they are compared by.
alter table leadflow.suppressions no force row level security;
alter table leadflow.suppressions add column contact_hash text;
update leadflow.suppressions set contact_hash = 'v0:' || encode(sha256(convert_to(contact_value, 'utf8')), 'hex');
alter table leadflow.suppressions alter column contact_hash set not null;
alter table leadflow.suppressions add column origin text not null default 'operator';
alter table leadflow.suppressions alter column origin drop default;
alter table leadflow.suppressions add column lifted_at timestamptz;
alter table leadflow.suppressions drop constraint pk_suppressions;
alter table leadflow.suppressions alter column contact_value drop not null;
alter table leadflow.suppressions
  add constraint pk_suppressions primary key (org_id, kind, contact_hash, origin),
  add constraint ck_suppressions_origin check (
    origin in ('stop', 'revocation', 'operator', 'deletion', 'bounce', 'wrong_number', 'returned_mail')
  ),
  add constraint ck_suppressions_lifted check (lifted_at is null or origin = 'stop');
alter table leadflow.suppressions force row level security;
revoke delete on leadflow.suppressions from leadflow_app;
comment on column leadflow.suppressions.kind is 'phone, email or mailing.';
comment on column leadflow.suppressions.contact_hash is 'Keyed hash of the contact value, with its key version.';
comment on column leadflow.suppressions.origin is 'Where the wish came from; START lifts only `stop`.';
comment on column leadflow.suppressions.contact_value is 'E.164 number, lower-case e-mail or address; null once erased.';
comment on column leadflow.suppressions.reason is 'Why nobody may write or call there.';
comment on column leadflow.suppressions.source is 'Message, member or file that said so.';
comment on column leadflow.suppressions.suppressed_at is 'Instant from which it holds.';
comment on column leadflow.suppressions.lifted_at is 'Instant at which START lifted it; null: it holds.';

alter table leadflow.consents no force row level security;
drop index leadflow.ix_consents_org_id_contact_value;
alter table leadflow.consents
  add column contact_hash text,
  add column given_to text,
  add column revoked_by text,
  add column evidence_path text,
  add column evidence_sha256 text,
  add column recorded_by text,
  add column recorded_at timestamptz;
-- Nobody wrote down whom those were given to: they stay, and count for nobody until recorded again.
update leadflow.consents set
  contact_hash = 'v0:' || encode(sha256(convert_to(contact_value, 'utf8')), 'hex'),
  given_to = '', recorded_by = 'migration', recorded_at = captured_at;
alter table leadflow.consents
  alter column contact_hash set not null,
  alter column given_to set not null,
  alter column recorded_by set not null,
  alter column recorded_at set not null,
  alter column contact_value drop not null;
alter table leadflow.consents force row level security;
revoke delete on leadflow.consents from leadflow_app;
create index ix_consents_org_id_contact_hash on leadflow.consents (org_id, contact_hash);
comment on column leadflow.consents.consent_id is 'Identity of the consent.';
comment on column leadflow.consents.contact_hash is 'Keyed hash of the contact value, with its key version.';
comment on column leadflow.consents.contact_value is 'E.164 number, lower-case e-mail or address; null once erased.';
comment on column leadflow.consents.channel is 'Channel it covers: sms, voice, mail or email.';
comment on column leadflow.consents.purpose is 'Purpose it covers: marketing, transactional, …';
comment on column leadflow.consents.kind is 'Kind of consent, e.g. express_written.';
comment on column leadflow.consents.given_to is 'Organisation that the wording names; another''s consent is worth nothing here.';
comment on column leadflow.consents.wording is 'The exact words the person agreed to.';
comment on column leadflow.consents.source is 'Where it was given: form, call or paper.';
comment on column leadflow.consents.captured_at is 'Instant at which it was given.';
comment on column leadflow.consents.expires_at is 'Instant after which it no longer holds; null: none set.';
comment on column leadflow.consents.revoked_at is 'Instant at which it was withdrawn; null: it stands.';
comment on column leadflow.consents.revoked_by is 'Message, member or file that withdrew it.';
comment on column leadflow.consents.evidence_path is 'File that shows it, below the org''s evidence folder.';
comment on column leadflow.consents.evidence_sha256 is 'Digest of that file.';
comment on column leadflow.consents.recorded_by is 'Member or command that recorded it.';
comment on column leadflow.consents.recorded_at is 'Instant at which it was recorded.';

create type leadflow.campaign_state as enum ('draft', 'reviewed', 'approved', 'running', 'paused', 'completed', 'cancelled');

create type leadflow.message_state as enum ('queued', 'claimed', 'sending', 'accepted', 'delivered', 'failed', 'blocked', 'unknown', 'cancelled');

create table leadflow.rule_versions (
  rule_version text not null,
  tables jsonb not null,
  is_packaged boolean not null,
  registered_at timestamptz not null,
  constraint pk_rule_versions primary key (rule_version)
);
comment on table leadflow.rule_versions is 'Every version of the outreach rules that ever decided. Immutable; belongs to the installation.';
comment on column leadflow.rule_versions.rule_version is 'Day of publication and digest of the tables'' content.';
comment on column leadflow.rule_versions.tables is 'Text of each table of rules, by its name; decisions replay from it.';
comment on column leadflow.rule_versions.is_packaged is 'Came with the product; false: an org''s stricter version of one that did.';
comment on column leadflow.rule_versions.registered_at is 'Instant at which this installation first knew it.';

create table leadflow.rule_changes (
  change_id uuid not null,
  org_id uuid not null,
  kind text not null,
  table_name text not null,
  row_key text not null,
  new_values jsonb not null,
  effective_from date not null,
  reason text not null,
  changed_by text not null,
  changed_at timestamptz not null,
  constraint pk_rule_changes primary key (change_id),
  constraint ck_rule_changes_kind check (kind in ('tighten', 'accept_low_confidence')),
  constraint fk_rule_changes_org_id foreign key (org_id) references leadflow.orgs (org_id)
);
create index ix_rule_changes_org_id_table_name_row_key on leadflow.rule_changes (org_id, table_name, row_key);
comment on table leadflow.rule_changes is 'What an org''s operator made stricter, and which doubtful rows were accepted. Append-only.';
comment on column leadflow.rule_changes.change_id is 'Identity of the change.';
comment on column leadflow.rule_changes.org_id is 'Org that owns the row; row-level security compares it with app.org_id.';
comment on column leadflow.rule_changes.kind is 'tighten: a stricter row. accept_low_confidence: a doubtful row may be widened to.';
comment on column leadflow.rule_changes.table_name is 'Table of rules it is about, e.g. state_calling_rules.';
comment on column leadflow.rule_changes.row_key is 'Row of that table: state, parameter or holiday.';
comment on column leadflow.rule_changes.new_values is 'Column to its stricter value; empty for accept_low_confidence.';
comment on column leadflow.rule_changes.effective_from is 'First local day on which it counts.';
comment on column leadflow.rule_changes.reason is 'Why, with the source.';
comment on column leadflow.rule_changes.changed_by is 'Member who made it.';
comment on column leadflow.rule_changes.changed_at is 'Instant at which it was made.';

create table leadflow.jurisdiction_holds (
  hold_id uuid not null,
  org_id uuid not null,
  state text not null,
  channels text[] not null,
  reason text not null,
  held_from timestamptz not null,
  placed_by text not null,
  lifted_at timestamptz,
  lifted_by text,
  constraint pk_jurisdiction_holds primary key (hold_id),
  constraint ck_jurisdiction_holds_lifted check ((lifted_at is null) = (lifted_by is null)),
  constraint fk_jurisdiction_holds_org_id foreign key (org_id) references leadflow.orgs (org_id)
);
create index ix_jurisdiction_holds_org_id_state on leadflow.jurisdiction_holds (org_id, state);
comment on table leadflow.jurisdiction_holds is 'Places an org does not contact for now.';
comment on column leadflow.jurisdiction_holds.hold_id is 'Identity of the hold.';
comment on column leadflow.jurisdiction_holds.org_id is 'Org that owns the row; row-level security compares it with app.org_id.';
comment on column leadflow.jurisdiction_holds.state is 'State whose people are not contacted; `*` for everywhere.';
comment on column leadflow.jurisdiction_holds.channels is 'Channels it stops: sms, voice, mail, email.';
comment on column leadflow.jurisdiction_holds.reason is 'Why, e.g. a declared emergency, with the source.';
comment on column leadflow.jurisdiction_holds.held_from is 'Instant from which it holds, queued messages included.';
comment on column leadflow.jurisdiction_holds.placed_by is 'Member who placed it.';
comment on column leadflow.jurisdiction_holds.lifted_at is 'Instant at which it was lifted; null: it holds.';
comment on column leadflow.jurisdiction_holds.lifted_by is 'Member who lifted it.';

create table leadflow.outreach_profiles (
  org_id uuid not null,
  sender_name text not null,
  postal_address text not null,
  callback_e164 text,
  from_email text,
  link_domain text,
  calling_width text default 'default' not null,
  most_per_24h integer default '1' not null,
  most_per_7d integer default '3' not null,
  messages_per_second integer default '50' not null,
  brand_daily_limit integer default '2000' not null,
  needs_second_person boolean default true not null,
  changed_by text not null,
  changed_at timestamptz not null,
  constraint pk_outreach_profiles primary key (org_id),
  constraint ck_outreach_profiles_calling_width check (calling_width in ('default', 'state_table')),
  constraint ck_outreach_profiles_limits check (most_per_24h between 0 and 3 and most_per_7d between 0 and 21 and messages_per_second > 0 and brand_daily_limit >= 0),
  constraint fk_outreach_profiles_org_id foreign key (org_id) references leadflow.orgs (org_id)
);
comment on table leadflow.outreach_profiles is 'How an org presents itself, and the limits it keeps.';
comment on column leadflow.outreach_profiles.org_id is 'Org that owns the row; row-level security compares it with app.org_id.';
comment on column leadflow.outreach_profiles.sender_name is 'Name under which the org writes and calls.';
comment on column leadflow.outreach_profiles.postal_address is 'Valid postal address of the sender (15 USC 7704(a)(5)).';
comment on column leadflow.outreach_profiles.callback_e164 is 'Number that letters and calls give.';
comment on column leadflow.outreach_profiles.from_email is 'Address that e-mails come from.';
comment on column leadflow.outreach_profiles.link_domain is 'The org''s own domain for tracked links; null: links are not tracked.';
comment on column leadflow.outreach_profiles.calling_width is 'default, or state_table: up to each state''s own limits.';
comment on column leadflow.outreach_profiles.most_per_24h is 'Messages to one person in 24 rolling hours, all senders.';
comment on column leadflow.outreach_profiles.most_per_7d is 'Messages to one person in 7 rolling days, all senders.';
comment on column leadflow.outreach_profiles.messages_per_second is 'Most that all dispatchers send together.';
comment on column leadflow.outreach_profiles.brand_daily_limit is 'Texts of the brand a day, midnight Pacific.';
comment on column leadflow.outreach_profiles.needs_second_person is 'Approval by another than the author.';
comment on column leadflow.outreach_profiles.changed_by is 'Member who last changed it.';
comment on column leadflow.outreach_profiles.changed_at is 'Instant of the last change.';

create table leadflow.senders (
  org_id uuid not null,
  sender text not null,
  brand text not null,
  campaign_registration text not null,
  per_second integer default '1' not null,
  is_active boolean default true not null,
  constraint pk_senders primary key (org_id, sender),
  constraint ck_senders_per_second check (per_second > 0),
  constraint fk_senders_org_id foreign key (org_id) references leadflow.orgs (org_id)
);
comment on table leadflow.senders is 'Numbers and Messaging Services that an org texts from.';
comment on column leadflow.senders.org_id is 'Org that owns the row; row-level security compares it with app.org_id.';
comment on column leadflow.senders.sender is 'E.164 number or Messaging Service that texts come from.';
comment on column leadflow.senders.brand is 'Registered brand; its daily limit counts over all its senders.';
comment on column leadflow.senders.campaign_registration is 'Registered campaign use case at the carriers.';
comment on column leadflow.senders.per_second is 'Messages a second that carriers allow this sender.';
comment on column leadflow.senders.is_active is 'May be sent from.';

create table leadflow.members (
  org_id uuid not null,
  member text not null,
  added_at timestamptz default now() not null,
  removed_at timestamptz,
  constraint pk_members primary key (org_id, member),
  constraint fk_members_org_id foreign key (org_id) references leadflow.orgs (org_id)
);
comment on table leadflow.members is 'People who act for an org.';
comment on column leadflow.members.org_id is 'Org that owns the row; row-level security compares it with app.org_id.';
comment on column leadflow.members.member is 'Name the person signs with.';
comment on column leadflow.members.added_at is 'Instant at which the person joined.';
comment on column leadflow.members.removed_at is 'Instant at which the person left; null: active.';

create table leadflow.attestations (
  attestation_id uuid not null,
  org_id uuid not null,
  purpose text not null,
  wording text not null,
  attested_by text not null,
  attested_at timestamptz not null,
  withdrawn_at timestamptz,
  constraint pk_attestations primary key (attestation_id),
  constraint fk_attestations_org_id foreign key (org_id) references leadflow.orgs (org_id)
);
create index ix_attestations_org_id_purpose on leadflow.attestations (org_id, purpose);
comment on table leadflow.attestations is 'For what an org may look people up. Skip tracing needs one that stands.';
comment on column leadflow.attestations.attestation_id is 'Identity of the attestation.';
comment on column leadflow.attestations.org_id is 'Org that owns the row; row-level security compares it with app.org_id.';
comment on column leadflow.attestations.purpose is 'Permissible purpose, e.g. property_acquisition.';
comment on column leadflow.attestations.wording is 'The exact words that were agreed to.';
comment on column leadflow.attestations.attested_by is 'Member who attested.';
comment on column leadflow.attestations.attested_at is 'Instant at which it was attested.';
comment on column leadflow.attestations.withdrawn_at is 'Instant at which it was withdrawn; null: it stands.';

create table leadflow.registry_licences (
  org_id uuid not null,
  registry text not null,
  account text not null,
  area_codes text[] not null,
  valid_from date not null,
  valid_to date not null,
  attested_by text not null,
  attested_at timestamptz not null,
  constraint pk_registry_licences primary key (org_id, registry),
  constraint fk_registry_licences_org_id foreign key (org_id) references leadflow.orgs (org_id)
);
comment on table leadflow.registry_licences is 'Under which account of its own an org reads a do-not-call registry. Never shared between orgs.';
comment on column leadflow.registry_licences.org_id is 'Org that owns the row; row-level security compares it with app.org_id.';
comment on column leadflow.registry_licences.registry is 'ftc, or state:XX.';
comment on column leadflow.registry_licences.account is 'The org''s own account: Subscription Account Number, or the state''s.';
comment on column leadflow.registry_licences.area_codes is 'Area codes the account covers; empty: all.';
comment on column leadflow.registry_licences.valid_from is 'First day of the subscription.';
comment on column leadflow.registry_licences.valid_to is 'Last day of the subscription.';
comment on column leadflow.registry_licences.attested_by is 'Member who stated that the account is the org''s own and paid for.';
comment on column leadflow.registry_licences.attested_at is 'Instant of that statement.';

create table leadflow.registry_versions (
  version_id text not null,
  org_id uuid not null,
  registry text not null,
  file_kind text not null,
  base_version_id text,
  as_of date not null,
  area_codes text[] not null,
  numbers integer not null,
  file_sha256 text not null,
  path text not null,
  imported_by text not null,
  imported_at timestamptz not null,
  constraint pk_registry_versions primary key (version_id, org_id),
  constraint ck_registry_versions_file_kind check (file_kind in ('full', 'change')),
  constraint fk_registry_versions_org_id foreign key (org_id) references leadflow.orgs (org_id)
);
create index ix_registry_versions_org_id_registry_as_of on leadflow.registry_versions (org_id, registry, as_of);
comment on table leadflow.registry_versions is 'Imported do-not-call and litigator lists. Immutable: a decision names the versions it looked at.';
comment on column leadflow.registry_versions.version_id is 'Registry, day and digest of the numbers.';
comment on column leadflow.registry_versions.org_id is 'Org that owns the row; row-level security compares it with app.org_id.';
comment on column leadflow.registry_versions.registry is 'ftc, state:XX or litigators.';
comment on column leadflow.registry_versions.file_kind is 'full, or change: the base with its additions and deletions.';
comment on column leadflow.registry_versions.base_version_id is 'Version that a change list was applied to.';
comment on column leadflow.registry_versions.as_of is 'Day on which the registry wrote the file; it is stale 31 days later.';
comment on column leadflow.registry_versions.area_codes is 'Area codes the version answers for; empty: all.';
comment on column leadflow.registry_versions.numbers is 'Numbers listed.';
comment on column leadflow.registry_versions.file_sha256 is 'Digest of the file that was imported.';
comment on column leadflow.registry_versions.path is 'Folder of the bit sets, below the org''s registry folder.';
comment on column leadflow.registry_versions.imported_by is 'Member or command that imported it.';
comment on column leadflow.registry_versions.imported_at is 'Instant at which it was whole.';

create table leadflow.number_lookups (
  org_id uuid not null,
  kind text not null,
  contact_hash text not null,
  list_version text not null,
  provider text not null,
  answer text not null,
  details jsonb not null,
  asked_about date,
  answered_at timestamptz not null,
  cost_cents numeric(14, 4) default '0' not null,
  constraint pk_number_lookups primary key (org_id, kind, contact_hash, list_version),
  constraint ck_number_lookups_kind check (kind in ('dnc', 'reassigned', 'line_type')),
  constraint ck_number_lookups_answer check (answer in ('yes', 'no', 'unknown')),
  constraint fk_number_lookups_org_id foreign key (org_id) references leadflow.orgs (org_id)
);
comment on table leadflow.number_lookups is 'What vendors answered about numbers, per org: an answer bought by one org serves no other.';
comment on column leadflow.number_lookups.org_id is 'Org that owns the row; row-level security compares it with app.org_id.';
comment on column leadflow.number_lookups.kind is 'dnc, reassigned or line_type.';
comment on column leadflow.number_lookups.contact_hash is 'Keyed hash of the number, with its key version.';
comment on column leadflow.number_lookups.list_version is 'The vendor''s list or day that answered.';
comment on column leadflow.number_lookups.provider is 'Vendor that was asked.';
comment on column leadflow.number_lookups.answer is 'yes: a hit. no. unknown: `?`, null or anything else; counts as a hit.';
comment on column leadflow.number_lookups.details is 'The vendor''s other fields, e.g. is_litigator, line type, state list.';
comment on column leadflow.number_lookups.asked_about is 'Day of the consent or last contact that a reassignment check was about.';
comment on column leadflow.number_lookups.answered_at is 'Instant of the answer.';
comment on column leadflow.number_lookups.cost_cents is 'What it cost, US cents.';

create table leadflow.templates (
  org_id uuid not null,
  name text not null,
  version integer not null,
  channel text not null,
  subject text,
  body text not null,
  created_by text not null,
  created_at timestamptz not null,
  constraint pk_templates primary key (org_id, name, version),
  constraint ck_templates_version check (version >= 1),
  constraint ck_templates_channel check (channel in ('sms', 'voice', 'mail', 'email')),
  constraint fk_templates_org_id foreign key (org_id) references leadflow.orgs (org_id)
);
comment on table leadflow.templates is 'Texts with merge fields, by version.';
comment on column leadflow.templates.org_id is 'Org that owns the row; row-level security compares it with app.org_id.';
comment on column leadflow.templates.name is 'Name of the template.';
comment on column leadflow.templates.version is '1 is the first; a version never changes.';
comment on column leadflow.templates.channel is 'sms, voice (the caller''s script), mail or email.';
comment on column leadflow.templates.subject is 'Subject line of an e-mail, heading of a letter.';
comment on column leadflow.templates.body is 'Text with merge fields in {braces}.';
comment on column leadflow.templates.created_by is 'Member who wrote it.';
comment on column leadflow.templates.created_at is 'Instant at which it was written.';

create table leadflow.campaigns (
  campaign_id uuid not null,
  org_id uuid not null,
  name text not null,
  purpose text default 'marketing' not null,
  state leadflow.campaign_state not null,
  audience jsonb default '{}'::jsonb not null,
  holdout_share numeric(5, 4) default 0 not null,
  error_threshold numeric(5, 4) default 0.2 not null,
  ends_at timestamptz,
  created_by text not null,
  created_at timestamptz not null,
  reviewed_by text,
  approved_by text,
  paused_because text,
  constraint pk_campaigns primary key (campaign_id),
  constraint uq_campaigns_org_id_name unique (org_id, name),
  constraint uq_campaigns_org_id_campaign_id unique (org_id, campaign_id),
  constraint ck_campaigns_holdout_share check (holdout_share >= 0 and holdout_share < 1),
  constraint ck_campaigns_error_threshold check (error_threshold > 0 and error_threshold <= 1),
  constraint ck_campaigns_approved check (state not in ('approved', 'running', 'paused', 'completed') or approved_by is not null),
  constraint fk_campaigns_org_id foreign key (org_id) references leadflow.orgs (org_id)
);
comment on table leadflow.campaigns is 'Campaigns and where they stand.';
comment on column leadflow.campaigns.campaign_id is 'Identity of the campaign.';
comment on column leadflow.campaigns.org_id is 'Org that owns the row; row-level security compares it with app.org_id.';
comment on column leadflow.campaigns.name is 'Name of the campaign.';
comment on column leadflow.campaigns.purpose is 'Purpose that consents must cover.';
comment on column leadflow.campaigns.state is 'Where it stands; a trigger allows only the known transitions.';
comment on column leadflow.campaigns.audience is 'ZIPs, day, channel and filter that the audience was taken by.';
comment on column leadflow.campaigns.holdout_share is 'Share of the audience left alone to measure lift.';
comment on column leadflow.campaigns.error_threshold is 'Share of failures in the last 100 that pauses.';
comment on column leadflow.campaigns.ends_at is 'Instant after which nothing more of it is sent.';
comment on column leadflow.campaigns.created_by is 'Member who made it.';
comment on column leadflow.campaigns.created_at is 'Instant at which it was made.';
comment on column leadflow.campaigns.reviewed_by is 'Member who reviewed texts and audience.';
comment on column leadflow.campaigns.approved_by is 'Member who approved it; another than the author where the org wants so.';
comment on column leadflow.campaigns.paused_because is 'Why it stands still; null while it does not.';

create table leadflow.campaign_steps (
  campaign_id uuid not null,
  org_id uuid not null,
  step integer not null,
  channel text not null,
  template_name text not null,
  template_version integer not null,
  delay_hours integer default 0 not null,
  constraint pk_campaign_steps primary key (campaign_id, step),
  constraint fk_campaign_steps_org_id_campaign_id foreign key (org_id, campaign_id) references leadflow.campaigns (org_id, campaign_id),
  constraint ck_campaign_steps_step check (step >= 1),
  constraint ck_campaign_steps_delay_hours check (delay_hours >= 0),
  constraint fk_campaign_steps_org_id foreign key (org_id) references leadflow.orgs (org_id)
);
comment on table leadflow.campaign_steps is 'The steps of a campaign, in order.';
comment on column leadflow.campaign_steps.campaign_id is 'Campaign of the step.';
comment on column leadflow.campaign_steps.org_id is 'Org that owns the row; row-level security compares it with app.org_id.';
comment on column leadflow.campaign_steps.step is '1 is the first.';
comment on column leadflow.campaign_steps.channel is 'Channel of the step.';
comment on column leadflow.campaign_steps.template_name is 'Template it sends.';
comment on column leadflow.campaign_steps.template_version is 'Version of the template, fixed when the campaign is reviewed.';
comment on column leadflow.campaign_steps.delay_hours is 'Hours after the step before was sent.';

create table leadflow.campaign_audience (
  org_id uuid not null,
  campaign_id uuid not null,
  contact_point_id text not null,
  property_id text not null,
  kind text not null,
  contact_hash text not null,
  evidence jsonb,
  is_holdout boolean not null,
  stopped_because text,
  constraint pk_campaign_audience primary key (org_id, campaign_id, contact_point_id)
);
create index ix_campaign_audience_org_id_contact_hash on leadflow.campaign_audience (org_id, contact_hash);
create index ix_campaign_audience_stopped on leadflow.campaign_audience (org_id) where stopped_because is not null or evidence is null;
comment on table leadflow.campaign_audience is 'Whom a campaign is for: the list as it was when the campaign was reviewed.';
comment on column leadflow.campaign_audience.org_id is 'Org that owns the row; row-level security compares it with app.org_id.';
comment on column leadflow.campaign_audience.campaign_id is 'Campaign.';
comment on column leadflow.campaign_audience.contact_point_id is 'Contact point, as in lead_contacts.';
comment on column leadflow.campaign_audience.property_id is 'Property the campaign writes about.';
comment on column leadflow.campaign_audience.kind is 'phone, email or mailing.';
comment on column leadflow.campaign_audience.contact_hash is 'Keyed hash of the contact value, with its key version.';
comment on column leadflow.campaign_audience.evidence is 'What clearance looks at, and merge fields, as of the snapshot; null once erased.';
comment on column leadflow.campaign_audience.is_holdout is 'Left alone, to measure what the campaign changes.';
comment on column leadflow.campaign_audience.stopped_because is 'Why later steps are not sent: replied, suppressed, …; null: they are.';

create table leadflow.campaign_changes (
  change_id bigint generated always as identity,
  org_id uuid not null,
  campaign_id uuid not null,
  from_state leadflow.campaign_state,
  to_state leadflow.campaign_state not null,
  changed_by text not null,
  reason text,
  changed_at timestamptz not null,
  constraint pk_campaign_changes primary key (change_id),
  constraint fk_campaign_changes_org_id foreign key (org_id) references leadflow.orgs (org_id)
);
create index ix_campaign_changes_org_id_campaign_id on leadflow.campaign_changes (org_id, campaign_id);
comment on table leadflow.campaign_changes is 'Every transition of every campaign, append-only.';
comment on column leadflow.campaign_changes.change_id is 'Order of the changes.';
comment on column leadflow.campaign_changes.org_id is 'Org that owns the row; row-level security compares it with app.org_id.';
comment on column leadflow.campaign_changes.campaign_id is 'Campaign that changed.';
comment on column leadflow.campaign_changes.from_state is 'State before; null for its making.';
comment on column leadflow.campaign_changes.to_state is 'State after.';
comment on column leadflow.campaign_changes.changed_by is 'Member, or `dispatcher`.';
comment on column leadflow.campaign_changes.reason is 'Why.';
comment on column leadflow.campaign_changes.changed_at is 'Instant of the change.';

create table leadflow.messages (
  message_id uuid not null,
  org_id uuid not null,
  campaign_id uuid not null,
  step integer not null,
  channel text not null,
  contact_point_id text not null,
  property_id text not null,
  contact_hash text not null,
  state leadflow.message_state not null,
  due_at timestamptz not null,
  expires_at timestamptz,
  claimed_by text,
  claimed_until timestamptz,
  sender text,
  contact_value text,
  body text,
  body_sha256 text,
  segments integer,
  decision_id uuid,
  provider_id text,
  attempted_at timestamptz,
  accepted_at timestamptz,
  settled_at timestamptz,
  error_code text,
  message text,
  constraint pk_messages primary key (message_id),
  constraint once_a_step unique (campaign_id, step, contact_hash),
  constraint ck_messages_step check (step >= 1),
  constraint ck_messages_claimed check (state <> 'claimed' or (claimed_by is not null and claimed_until is not null)),
  constraint ck_messages_attempted check (state not in ('sending', 'accepted', 'delivered', 'unknown') or attempted_at is not null)
);
create index ix_messages_due on leadflow.messages (campaign_id, channel, due_at) where state = 'queued';
create index ix_messages_lead on leadflow.messages (campaign_id, property_id, step);
create index ix_messages_person on leadflow.messages (org_id, contact_hash, attempted_at);
create index ix_messages_provider_id on leadflow.messages (org_id, provider_id) where provider_id is not null;
create index ix_messages_settled on leadflow.messages (campaign_id, settled_at) where state in ('delivered', 'failed');
create index ix_messages_under_way on leadflow.messages (org_id, state, claimed_until) where state in ('claimed', 'sending', 'accepted', 'unknown');
comment on table leadflow.messages is 'One row per campaign, step and person: the intent is here before anything is asked of a messenger.';
comment on column leadflow.messages.message_id is 'Identity of the intent; carried by its status callback.';
comment on column leadflow.messages.org_id is 'Org that owns the row; row-level security compares it with app.org_id.';
comment on column leadflow.messages.campaign_id is 'Campaign it belongs to.';
comment on column leadflow.messages.step is 'Step of the campaign.';
comment on column leadflow.messages.channel is 'sms, voice, mail or email.';
comment on column leadflow.messages.contact_point_id is 'Contact point, as in the audience.';
comment on column leadflow.messages.property_id is 'Property it is about.';
comment on column leadflow.messages.contact_hash is 'Keyed hash of the contact value: one message a step, however often it is listed.';
comment on column leadflow.messages.state is 'queued → claimed → sending (about to be asked of the messenger) → its fate.';
comment on column leadflow.messages.due_at is 'Instant from which it may be sent.';
comment on column leadflow.messages.expires_at is 'Instant after which it is not sent any more.';
comment on column leadflow.messages.claimed_by is 'Dispatcher that has it.';
comment on column leadflow.messages.claimed_until is 'Instant at which that claim counts as lost.';
comment on column leadflow.messages.sender is 'Number, service or address it was sent from.';
comment on column leadflow.messages.contact_value is 'Where it went; null before sending and once erased.';
comment on column leadflow.messages.body is 'Text as sent; null before sending and once erased.';
comment on column leadflow.messages.body_sha256 is 'Digest of the text as sent; stays.';
comment on column leadflow.messages.segments is 'SMS segments billed.';
comment on column leadflow.messages.decision_id is 'Decision at the instant of sending.';
comment on column leadflow.messages.provider_id is 'The messenger''s identity of it (Twilio: the message SID).';
comment on column leadflow.messages.attempted_at is 'Instant at which the request was about to be made; counts towards caps.';
comment on column leadflow.messages.accepted_at is 'Instant at which the messenger took it.';
comment on column leadflow.messages.settled_at is 'Instant at which its fate was known.';
comment on column leadflow.messages.error_code is 'The messenger''s error code, or why it was blocked.';
comment on column leadflow.messages.message is 'What went wrong, without personal data.';

create table leadflow.message_events (
  event_id bigint generated always as identity,
  org_id uuid not null,
  message_id uuid not null,
  provider_id text not null,
  status text not null,
  error_code text,
  received_at timestamptz not null,
  constraint pk_message_events primary key (event_id),
  constraint told_once unique (org_id, message_id, provider_id, status)
);
comment on table leadflow.message_events is 'What messengers told about messages, append-only, each status once, in any order.';
comment on column leadflow.message_events.event_id is 'Order of arrival.';
comment on column leadflow.message_events.org_id is 'Org that owns the row; row-level security compares it with app.org_id.';
comment on column leadflow.message_events.message_id is 'Message it is about.';
comment on column leadflow.message_events.provider_id is 'The messenger''s identity of the message.';
comment on column leadflow.message_events.status is 'Status as the messenger names it.';
comment on column leadflow.message_events.error_code is 'The messenger''s error code.';
comment on column leadflow.message_events.received_at is 'Instant of arrival.';

create table leadflow.inbound_messages (
  inbound_id uuid not null,
  org_id uuid not null,
  provider_id text not null,
  channel text not null,
  contact_hash text not null,
  contact_value text,
  body text,
  received_by text not null,
  received_at timestamptz not null,
  opt_out_type text,
  reply_class text not null,
  needs_person boolean not null,
  message_id uuid,
  campaign_id uuid,
  property_id text,
  handled_by text,
  handled_at timestamptz,
  constraint pk_inbound_messages primary key (inbound_id),
  constraint uq_inbound_messages_org_id_provider_id unique (org_id, provider_id),
  constraint ck_inbound_messages_reply_class check (reply_class in ('interested', 'not_interested', 'wrong_number', 'revocation', 'start', 'help', 'other')),
  constraint fk_inbound_messages_org_id foreign key (org_id) references leadflow.orgs (org_id)
);
create index ix_inbound_messages_org_id_received_at on leadflow.inbound_messages (org_id, received_at);
comment on table leadflow.inbound_messages is 'Replies, each once, with what they mean and whether a person has to look.';
comment on column leadflow.inbound_messages.inbound_id is 'Identity of the reply.';
comment on column leadflow.inbound_messages.org_id is 'Org that owns the row; row-level security compares it with app.org_id.';
comment on column leadflow.inbound_messages.provider_id is 'The messenger''s identity of it.';
comment on column leadflow.inbound_messages.channel is 'sms or email.';
comment on column leadflow.inbound_messages.contact_hash is 'Keyed hash of the sender, with its key version.';
comment on column leadflow.inbound_messages.contact_value is 'Who wrote; null once erased.';
comment on column leadflow.inbound_messages.body is 'What was written; null once erased.';
comment on column leadflow.inbound_messages.received_by is 'Number or address it came to.';
comment on column leadflow.inbound_messages.received_at is 'Instant of arrival.';
comment on column leadflow.inbound_messages.opt_out_type is 'STOP, START or HELP where the messenger recognised it.';
comment on column leadflow.inbound_messages.reply_class is 'What the rules read in it.';
comment on column leadflow.inbound_messages.needs_person is 'Doubtful: somebody has to read it.';
comment on column leadflow.inbound_messages.message_id is 'Message it most likely answers.';
comment on column leadflow.inbound_messages.campaign_id is 'Campaign of that message.';
comment on column leadflow.inbound_messages.property_id is 'Property of that message.';
comment on column leadflow.inbound_messages.handled_by is 'Member who read it.';
comment on column leadflow.inbound_messages.handled_at is 'Instant at which it was read.';

create table leadflow.link_clicks (
  click_id bigint generated always as identity,
  org_id uuid not null,
  message_id uuid not null,
  link integer not null,
  clicked_at timestamptz not null,
  is_counted boolean not null,
  constraint pk_link_clicks primary key (click_id),
  constraint fk_link_clicks_org_id foreign key (org_id) references leadflow.orgs (org_id)
);
create index ix_link_clicks_org_id_message_id on leadflow.link_clicks (org_id, message_id);
comment on table leadflow.link_clicks is 'Followed links.';
comment on column leadflow.link_clicks.click_id is 'Order of the clicks.';
comment on column leadflow.link_clicks.org_id is 'Org that owns the row; row-level security compares it with app.org_id.';
comment on column leadflow.link_clicks.message_id is 'Message whose link was followed.';
comment on column leadflow.link_clicks.link is 'Number of the link in the text, from 1.';
comment on column leadflow.link_clicks.clicked_at is 'Instant of the click.';
comment on column leadflow.link_clicks.is_counted is 'A person''s; false: a preview, a scanner or a bot.';

create table leadflow.send_slots (
  org_id uuid not null,
  slot text not null,
  next_at timestamptz not null,
  constraint pk_send_slots primary key (org_id, slot),
  constraint fk_send_slots_org_id foreign key (org_id) references leadflow.orgs (org_id)
);
comment on table leadflow.send_slots is 'When the next message may go, shared by all dispatchers.';
comment on column leadflow.send_slots.org_id is 'Org that owns the row; row-level security compares it with app.org_id.';
comment on column leadflow.send_slots.slot is '`org`, or a sender.';
comment on column leadflow.send_slots.next_at is 'Instant up to which messages have been let through, one interval each.';

create table leadflow.brand_days (
  org_id uuid not null,
  brand text not null,
  day date not null,
  messages integer not null,
  constraint pk_brand_days primary key (org_id, brand, day),
  constraint ck_brand_days_messages check (messages >= 0),
  constraint fk_brand_days_org_id foreign key (org_id) references leadflow.orgs (org_id)
);
comment on table leadflow.brand_days is 'Texts of a brand per day.';
comment on column leadflow.brand_days.org_id is 'Org that owns the row; row-level security compares it with app.org_id.';
comment on column leadflow.brand_days.brand is 'Registered brand.';
comment on column leadflow.brand_days.day is 'Day in America/Los_Angeles, as carriers count.';
comment on column leadflow.brand_days.messages is 'Texts attempted.';

create table leadflow.call_results (
  result_id bigint generated always as identity,
  org_id uuid not null,
  message_id uuid not null,
  outcome text not null,
  note text,
  called_by text not null,
  called_at timestamptz not null,
  constraint pk_call_results primary key (result_id),
  constraint ck_call_results_outcome check (outcome in ('reached', 'no_answer', 'voicemail', 'busy', 'wrong_number', 'do_not_call', 'interested', 'not_interested', 'appointment', 'disconnected')),
  constraint fk_call_results_org_id foreign key (org_id) references leadflow.orgs (org_id)
);
create index ix_call_results_org_id_message_id on leadflow.call_results (org_id, message_id);
comment on table leadflow.call_results is 'Outcomes of calls dialled by hand.';
comment on column leadflow.call_results.result_id is 'Order of entry.';
comment on column leadflow.call_results.org_id is 'Org that owns the row; row-level security compares it with app.org_id.';
comment on column leadflow.call_results.message_id is 'Call of the sheet.';
comment on column leadflow.call_results.outcome is 'What came of it.';
comment on column leadflow.call_results.note is 'The caller''s note; null once erased.';
comment on column leadflow.call_results.called_by is 'Member who called.';
comment on column leadflow.call_results.called_at is 'Instant of the call.';

create table leadflow.proof_entries (
  org_id uuid not null,
  seq bigint not null,
  entry_id uuid not null,
  kind text not null,
  subject_hash text,
  happened_at timestamptz not null,
  facts jsonb not null,
  evidence_hash text,
  previous_hash text not null,
  entry_hash text not null,
  constraint pk_proof_entries primary key (org_id, seq),
  constraint ck_proof_entries_kind check (kind in ('send_decision', 'list_clearance', 'message', 'suppression', 'consent', 'campaign', 'rule_change', 'hold', 'registry_version', 'inbound', 'erasure', 'org_change')),
  constraint ck_proof_entries_seq check (seq >= 1),
  constraint fk_proof_entries_org_id foreign key (org_id) references leadflow.orgs (org_id)
);
create index ix_proof_entries_org_id_entry_id on leadflow.proof_entries (org_id, entry_id);
create index ix_proof_entries_org_id_happened_at on leadflow.proof_entries (org_id, happened_at);
create index ix_proof_entries_org_id_subject_hash on leadflow.proof_entries (org_id, subject_hash);
comment on table leadflow.proof_entries is 'Hash-chained log of decisions and acts, per org, append-only.';
comment on column leadflow.proof_entries.org_id is 'Org that owns the row; row-level security compares it with app.org_id.';
comment on column leadflow.proof_entries.seq is '1 is the first of the org; no gaps.';
comment on column leadflow.proof_entries.entry_id is 'Identity of the decision or event.';
comment on column leadflow.proof_entries.kind is 'What it proves.';
comment on column leadflow.proof_entries.subject_hash is 'Keyed hash of the contact it is about; null where it is about none.';
comment on column leadflow.proof_entries.happened_at is 'Instant decided or done.';
comment on column leadflow.proof_entries.facts is 'Codes, versions, ids and digests. No personal data: it is never erased.';
comment on column leadflow.proof_entries.evidence_hash is 'Digest of the evidence, which is erasable.';
comment on column leadflow.proof_entries.previous_hash is 'entry_hash of the entry before; sixty-four zeros for the first.';
comment on column leadflow.proof_entries.entry_hash is 'Digest of this entry with previous_hash.';

create table leadflow.proof_heads (
  org_id uuid not null,
  seq bigint not null,
  entry_hash text not null,
  constraint pk_proof_heads primary key (org_id),
  constraint fk_proof_heads_org_id foreign key (org_id) references leadflow.orgs (org_id)
);
comment on table leadflow.proof_heads is 'End of each org''s chain; locked while entries are appended.';
comment on column leadflow.proof_heads.org_id is 'Org that owns the row; row-level security compares it with app.org_id.';
comment on column leadflow.proof_heads.seq is 'Number of the newest entry; 0 before the first.';
comment on column leadflow.proof_heads.entry_hash is 'Its hash.';

create table leadflow.proof_evidence (
  org_id uuid not null,
  entry_id uuid not null,
  subject_hash text,
  evidence jsonb,
  recorded_on date not null,
  erased_at timestamptz,
  constraint pk_proof_evidence primary key (org_id, entry_id),
  constraint ck_proof_evidence_erased check ((evidence is null) = (erased_at is not null)),
  constraint fk_proof_evidence_org_id foreign key (org_id) references leadflow.orgs (org_id)
);
create index ix_proof_evidence_org_id_subject_hash on leadflow.proof_evidence (org_id, subject_hash);
comment on table leadflow.proof_evidence is 'Personal evidence behind entries of the chain. Erasable; the chain stays whole.';
comment on column leadflow.proof_evidence.org_id is 'Org that owns the row; row-level security compares it with app.org_id.';
comment on column leadflow.proof_evidence.entry_id is 'Entry it belongs to.';
comment on column leadflow.proof_evidence.subject_hash is 'Keyed hash of the contact it is about.';
comment on column leadflow.proof_evidence.evidence is 'Everything the decision looked at; null once erased.';
comment on column leadflow.proof_evidence.recorded_on is 'Day recorded, for retention.';
comment on column leadflow.proof_evidence.erased_at is 'Instant at which it was erased; null: it is there.';

-- A campaign goes only where it may: whoever forgets a check in code meets this one.
create function leadflow.guard_campaign_state() returns trigger language plpgsql as $$
begin
  if new.state = old.state then
    return new;
  end if;
  if (old.state::text, new.state::text) not in (
    ('draft', 'reviewed'), ('draft', 'cancelled'),
    ('reviewed', 'draft'), ('reviewed', 'approved'), ('reviewed', 'cancelled'),
    ('approved', 'running'), ('approved', 'draft'), ('approved', 'cancelled'),
    ('running', 'paused'), ('running', 'completed'), ('running', 'cancelled'),
    ('paused', 'running'), ('paused', 'cancelled')
  ) then
    raise exception 'a campaign that is % cannot become %', old.state, new.state using errcode = 'check_violation';
  end if;
  return new;
end
$$;
create trigger guard_state before update on leadflow.campaigns
  for each row execute function leadflow.guard_campaign_state();

-- Tenancy, as in 0001. Logs are append-only: the app may add to them and never change or remove a row.
do $$
declare name text;
begin
  foreach name in array array[
    'rule_changes', 'jurisdiction_holds', 'outreach_profiles', 'senders', 'members',
    'attestations', 'registry_licences', 'registry_versions', 'number_lookups', 'templates',
    'campaigns', 'campaign_steps', 'campaign_audience', 'campaign_changes', 'messages',
    'message_events', 'inbound_messages', 'link_clicks', 'send_slots', 'brand_days',
    'call_results', 'proof_entries', 'proof_heads', 'proof_evidence'
  ] loop
    execute format('alter table leadflow.%I enable row level security, force row level security', name);
    execute format(
      'create policy tenant on leadflow.%I'
      ' using (org_id = (select nullif(current_setting(''app.org_id'', true), '''')::uuid))'
      ' with check (org_id = (select nullif(current_setting(''app.org_id'', true), '''')::uuid))',
      name
    );
    execute format('grant select, insert on leadflow.%I to leadflow_app', name);
  end loop;
  foreach name in array array[
    'jurisdiction_holds', 'outreach_profiles', 'senders', 'members', 'attestations',
    'registry_licences', 'number_lookups', 'campaigns', 'campaign_steps', 'campaign_audience',
    'messages', 'inbound_messages', 'send_slots', 'brand_days', 'proof_heads',
    'proof_evidence'
  ] loop
    execute format('grant update on leadflow.%I to leadflow_app', name);
  end loop;
  foreach name in array array['campaign_steps', 'campaign_audience'] loop
    execute format('grant delete on leadflow.%I to leadflow_app', name);
  end loop;
end
$$;
-- An erasure empties notes; outcomes stay as they were entered.
grant update (note) on leadflow.call_results to leadflow_app;
grant select, insert on leadflow.rule_versions to leadflow_app;
