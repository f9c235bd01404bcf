-- What became of leads, as members and files say. What replies and calls say is read from where they stand.

create table leadflow.lead_outcomes (
  outcome_id uuid not null,
  org_id uuid not null,
  property_id text not null,
  kind text not null,
  happened_on date not null,
  campaign_id uuid,
  amount_cents bigint,
  note text,
  source text not null,
  noted_by text not null,
  noted_at timestamptz not null,
  withdrawn_by text,
  withdrawn_at timestamptz,
  withdrawn_because text,
  constraint pk_lead_outcomes primary key (outcome_id),
  constraint ck_lead_outcomes_kind check (
    kind in (
      'interested', 'not_interested', 'appointment', 'offer', 'contract', 'deal', 'sold_elsewhere', 'not_the_owner'
    )
  ),
  constraint ck_lead_outcomes_source check (source in ('member', 'file')),
  constraint ck_lead_outcomes_amount check (
    amount_cents is null or (amount_cents > 0 and kind in ('offer', 'contract', 'deal'))
  ),
  constraint ck_lead_outcomes_withdrawn check ((withdrawn_at is null) = (withdrawn_by is null)),
  constraint fk_lead_outcomes_org_id foreign key (org_id) references leadflow.orgs (org_id),
  constraint fk_lead_outcomes_org_id_campaign_id foreign key (org_id, campaign_id)
    references leadflow.campaigns (org_id, campaign_id)
);
create unique index ix_lead_outcomes_stands_once on leadflow.lead_outcomes (org_id, property_id, kind, happened_on)
  where withdrawn_at is null;
create index ix_lead_outcomes_org_id_property_id on leadflow.lead_outcomes (org_id, property_id);
comment on table leadflow.lead_outcomes is 'What became of leads, as members and files say. Never changed: withdrawn, and noted again.';
comment on column leadflow.lead_outcomes.outcome_id is 'Identity of the outcome.';
comment on column leadflow.lead_outcomes.org_id is 'Org that owns the row; row-level security compares it with app.org_id.';
comment on column leadflow.lead_outcomes.property_id is 'Property it is about, as known when it was noted.';
comment on column leadflow.lead_outcomes.kind is 'What happened, e.g. appointment or deal.';
comment on column leadflow.lead_outcomes.happened_on is 'Local day on which it happened.';
comment on column leadflow.lead_outcomes.campaign_id is 'Campaign that it is owed to; null: none was named.';
comment on column leadflow.lead_outcomes.amount_cents is 'Price of the offer, contract or deal, US cents; null: not told.';
comment on column leadflow.lead_outcomes.note is 'In the member''s words; null once erased.';
comment on column leadflow.lead_outcomes.source is 'member: entered singly. file: imported.';
comment on column leadflow.lead_outcomes.noted_by is 'Member who noted it or imported the file.';
comment on column leadflow.lead_outcomes.noted_at is 'Instant at which it was noted.';
comment on column leadflow.lead_outcomes.withdrawn_by is 'Member who took it back.';
comment on column leadflow.lead_outcomes.withdrawn_at is 'Instant from which it does not count; null: it stands.';
comment on column leadflow.lead_outcomes.withdrawn_because is 'Why, in the member''s words; null once erased.';

-- What was noted stays as it was noted, whatever code forgets: it may be withdrawn once, and its words erased.
create function leadflow.guard_outcome() returns trigger language plpgsql as $$
begin
  if old.withdrawn_at is not null
    and (new.withdrawn_at, new.withdrawn_by) is distinct from (old.withdrawn_at, old.withdrawn_by) then
    raise exception 'a withdrawn outcome stays withdrawn' using errcode = 'check_violation';
  end if;
  if new.note is not null and new.note is distinct from old.note then
    raise exception 'the note of an outcome is erased, never changed' using errcode = 'check_violation';
  end if;
  return new;
end
$$;
create trigger guard_outcome before update on leadflow.lead_outcomes
  for each row execute function leadflow.guard_outcome();

-- Tenancy, as in 0001. Who dispatches is given nothing: what became of a lead decides no message.
alter table leadflow.lead_outcomes enable row level security, force row level security;
create policy tenant on leadflow.lead_outcomes
  using (org_id = (select nullif(current_setting('app.org_id', true), '')::uuid))
  with check (org_id = (select nullif(current_setting('app.org_id', true), '')::uuid));
grant select, insert on leadflow.lead_outcomes to leadflow_app;
grant update (note, withdrawn_by, withdrawn_at, withdrawn_because) on leadflow.lead_outcomes to leadflow_app;
