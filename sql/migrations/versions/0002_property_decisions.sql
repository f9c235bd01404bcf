-- An operator's word on two records: one property, or two.

create table leadflow.property_decisions (
  decision_id uuid not null,
  org_id uuid not null,
  left_record_id text not null,
  right_record_id text not null,
  decision text not null,
  decided_by text not null,
  decided_at timestamptz not null,
  note text,
  constraint pk_property_decisions primary key (decision_id),
  constraint uq_property_decisions_org_id_left_record_id_right_record_id
    unique (org_id, left_record_id, right_record_id),
  constraint ck_property_decisions_decision check (decision in ('together', 'apart')),
  constraint ck_property_decisions_pair check (left_record_id < right_record_id collate "C"),
  constraint fk_property_decisions_org_id foreign key (org_id) references leadflow.orgs (org_id)
);
comment on table leadflow.property_decisions is 'What operators decided about two records; every run obeys it. One row a pair: the newest word.';
comment on column leadflow.property_decisions.decision_id is 'Identity of the decision.';
comment on column leadflow.property_decisions.org_id is 'Org that owns the row; row-level security compares it with app.org_id.';
comment on column leadflow.property_decisions.left_record_id is 'The pair''s smaller record_id, so that a pair has one row whatever its order.';
comment on column leadflow.property_decisions.right_record_id is 'The pair''s larger record_id.';
comment on column leadflow.property_decisions.decision is 'together: one property. apart: two.';
comment on column leadflow.property_decisions.decided_by is 'Who decided, as named with --as.';
comment on column leadflow.property_decisions.decided_at is 'Instant of the decision.';
comment on column leadflow.property_decisions.note is 'Why, in the operator''s words.';

-- Tenancy, as in 0001.
alter table leadflow.property_decisions enable row level security, force row level security;
create policy tenant on leadflow.property_decisions
  using (org_id = (select nullif(current_setting('app.org_id', true), '')::uuid))
  with check (org_id = (select nullif(current_setting('app.org_id', true), '')::uuid));
grant select, insert, update, delete on leadflow.property_decisions to leadflow_app;
