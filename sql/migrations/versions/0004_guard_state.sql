-- What the guard of every process shares: budgets of months and runs, breakers and rates of providers.

alter table leadflow.budget_limits drop constraint ck_budget_limits_period;
alter table leadflow.budget_limits add constraint ck_budget_limits_period check (period in ('day', 'month'));

create table leadflow.budget_months (
  org_id uuid not null,
  provider text not null,
  month date not null,
  spent_cents numeric(14, 4) default 0 not null,
  reserved_cents numeric(14, 4) default 0 not null,
  constraint pk_budget_months primary key (org_id, provider, month),
  constraint ck_budget_months_spent_cents check (spent_cents >= 0),
  constraint ck_budget_months_reserved_cents check (reserved_cents >= 0),
  constraint fk_budget_months_org_id foreign key (org_id) references leadflow.orgs (org_id)
);
comment on table leadflow.budget_months is 'What a month has spent and reserved, the sum of its days.';
comment on column leadflow.budget_months.org_id is 'Org that owns the row; row-level security compares it with app.org_id.';
comment on column leadflow.budget_months.provider is 'Provider; `*` sums all providers.';
comment on column leadflow.budget_months.month is 'First day of the calendar month in LEADFLOW_TIMEZONE.';
comment on column leadflow.budget_months.spent_cents is 'Settled, US cents.';
comment on column leadflow.budget_months.reserved_cents is 'Worst case of the calls under way, US cents.';

-- Forced policies hide every org's rows from their owner as well; for this one sum they are lifted.
alter table leadflow.budget_days no force row level security;
insert into leadflow.budget_months (org_id, provider, month, spent_cents, reserved_cents)
select org_id, provider, date_trunc('month', day)::date, sum(spent_cents), sum(reserved_cents)
from leadflow.budget_days
group by 1, 2, 3;
alter table leadflow.budget_days force row level security;

create table leadflow.budget_runs (
  org_id uuid not null,
  run_id text not null,
  limit_cents numeric(14, 4) not null,
  spent_cents numeric(14, 4) default 0 not null,
  reserved_cents numeric(14, 4) default 0 not null,
  opened_at timestamptz default now() not null,
  constraint pk_budget_runs primary key (org_id, run_id),
  constraint ck_budget_runs_limit_cents check (limit_cents >= 0),
  constraint ck_budget_runs_spent_cents check (spent_cents >= 0),
  constraint ck_budget_runs_reserved_cents check (reserved_cents >= 0),
  constraint fk_budget_runs_org_id foreign key (org_id) references leadflow.orgs (org_id)
);
comment on table leadflow.budget_runs is 'Runs that were given a limit of their own, with what they spent and reserved.';
comment on column leadflow.budget_runs.org_id is 'Org that owns the row; row-level security compares it with app.org_id.';
comment on column leadflow.budget_runs.run_id is 'Run or command that may spend so much.';
comment on column leadflow.budget_runs.limit_cents is 'Most that the run may spend and reserve, US cents.';
comment on column leadflow.budget_runs.spent_cents is 'Settled, US cents.';
comment on column leadflow.budget_runs.reserved_cents is 'Worst case of the calls under way, US cents.';
comment on column leadflow.budget_runs.opened_at is 'Instant at which the limit was given.';

create type leadflow.breaker_state as enum ('closed', 'open', 'half_open');

create table leadflow.provider_breakers (
  provider text not null,
  host text not null,
  state leadflow.breaker_state not null,
  failures integer not null,
  openings integer not null,
  open_until timestamptz,
  probe_until timestamptz,
  changed_at timestamptz not null,
  constraint pk_provider_breakers primary key (provider, host),
  constraint ck_provider_breakers_failures check (failures >= 0),
  constraint ck_provider_breakers_openings check (openings >= 0)
);
comment on table leadflow.provider_breakers is 'One breaker a provider and host, shared by all processes and orgs; absent: closed, without failures.';
comment on column leadflow.provider_breakers.provider is 'Provider that the breaker guards.';
comment on column leadflow.provider_breakers.host is 'Who answers, so that a simulated vendor and the real one are two.';
comment on column leadflow.provider_breakers.state is 'open: nobody asks. half_open: one probe is under way.';
comment on column leadflow.provider_breakers.failures is 'Transient failures in a row.';
comment on column leadflow.provider_breakers.openings is 'Openings in a row without a success; each doubles the pause.';
comment on column leadflow.provider_breakers.open_until is 'Instant from which one probe may ask again; null while closed.';
comment on column leadflow.provider_breakers.probe_until is 'Instant at which the probe under way counts as lost; null without one.';
comment on column leadflow.provider_breakers.changed_at is 'Instant of the last change.';

create table leadflow.provider_breaker_changes (
  change_id bigint generated always as identity,
  provider text not null,
  host text not null,
  state leadflow.breaker_state not null,
  failures integer not null,
  reason text,
  changed_at timestamptz not null,
  constraint pk_provider_breaker_changes primary key (change_id)
);
create index ix_provider_breaker_changes_provider_changed_at
  on leadflow.provider_breaker_changes (provider, changed_at);
comment on table leadflow.provider_breaker_changes is 'Openings and closings of breakers, append-only.';
comment on column leadflow.provider_breaker_changes.change_id is 'Order of the changes.';
comment on column leadflow.provider_breaker_changes.provider is 'Provider whose breaker changed.';
comment on column leadflow.provider_breaker_changes.host is 'Who answers.';
comment on column leadflow.provider_breaker_changes.state is 'State it changed to.';
comment on column leadflow.provider_breaker_changes.failures is 'Transient failures in a row by then.';
comment on column leadflow.provider_breaker_changes.reason is 'The last failure, without secrets or personal data; null for a closing.';
comment on column leadflow.provider_breaker_changes.changed_at is 'Instant of the change.';

create table leadflow.provider_rates (
  rate_key text not null,
  provider text not null,
  next_at timestamptz not null,
  constraint pk_provider_rates primary key (rate_key)
);
comment on table leadflow.provider_rates is 'When the next call with a provider''s key may start, shared by all processes and orgs.';
comment on column leadflow.provider_rates.rate_key is 'Hash of the provider, its host and its key.';
comment on column leadflow.provider_rates.provider is 'Provider that limits the rate.';
comment on column leadflow.provider_rates.next_at is 'Instant up to which calls have been let through, one interval each.';

-- Tenancy, as in 0001. Breakers and rates belong to the installation and say nothing of any org.
do $$
declare name text;
begin
  foreach name in array array['budget_months', 'budget_runs'] loop
    execute format('alter table leadflow.%I enable row level security, force row level security', name);
    execute format(
      'create policy tenant on leadflow.%I'
      ' using (org_id = (select nullif(current_setting(''app.org_id'', true), '''')::uuid))'
      ' with check (org_id = (select nullif(current_setting(''app.org_id'', true), '''')::uuid))',
      name
    );
    execute format('grant select, insert, update, delete on leadflow.%I to leadflow_app', name);
  end loop;
end
$$;
grant select, insert, update on leadflow.provider_breakers, leadflow.provider_rates to leadflow_app;
grant select, insert on leadflow.provider_breaker_changes to leadflow_app;
