-- The roles of one LeadFlow database, and its two schemas. Safe to run again.
--
-- On a managed server a DBA runs this once, connected to LeadFlow's own database as a login that may
-- create roles, then gives the four logins passwords and makes Dagster its database:
--   psql -d leadflow -f sql/roles.sql
--   \password leadflow_app    (then leadflow_dispatcher, leadflow_migrator and leadflow_dagster)
--   create database dagster owner leadflow_dagster;
-- The embedded server runs it by itself. Tables, policies and table grants are in sql/migrations.

-- A login with CREATEROLE that is no superuser must be able to SET ROLE to what it makes here.
set createrole_self_grant = 'set, inherit';

do $$
declare
  role_options constant text[][] := array[
    ['leadflow_owner',    'nologin'],            -- owns schema leadflow and its tables
    ['leadflow_marts',    'nologin'],            -- owns schema marts; the publisher sets this role
    ['leadflow_bi',       'nologin'],            -- group of the BI logins, one login an org
    ['leadflow_app',      'login'],              -- the product: owns nothing, bypasses no policy
    ['leadflow_dispatcher', 'login'],            -- sends what campaigns owe, and may do nothing else
    ['leadflow_migrator', 'login createrole'],   -- migrates, makes orgs and their BI logins
    ['leadflow_dagster',  'login']               -- owns Dagster's database, sees nothing of this one
  ];
  wanted text[];
begin
  foreach wanted slice 1 in array role_options loop
    if not exists (select from pg_roles where rolname = wanted[1]) then
      execute format('create role %I %s', wanted[1], wanted[2]);
    end if;
  end loop;

  execute format('revoke all on database %I from public', current_database());
  execute format('grant connect on database %I to leadflow_migrator, leadflow_bi', current_database());
  -- Temporary tables stage bulk loads: COPY does not work into tables under row-level security.
  execute format('grant connect, temporary on database %I to leadflow_app, leadflow_dispatcher', current_database());
end
$$;

grant leadflow_owner to leadflow_migrator with inherit true, set true;
grant leadflow_bi to leadflow_migrator with admin true, inherit false, set false;
-- Without inheritance the app touches marts only after an explicit SET ROLE.
grant leadflow_marts to leadflow_app with inherit false, set true;

create schema if not exists leadflow authorization leadflow_owner;
create schema if not exists marts authorization leadflow_marts;
-- The owner keeps create on the schema by owning it; the publisher names leadflow.bi_org() in its policies.
grant usage on schema leadflow to leadflow_app, leadflow_dispatcher, leadflow_marts;
grant usage on schema marts to leadflow_app, leadflow_bi;
