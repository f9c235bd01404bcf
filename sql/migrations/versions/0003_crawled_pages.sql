-- Crawling county sites: pages, each day's requests, recipes that a site turned away, robots.txt.

create table leadflow.crawl_pages (
  org_id uuid not null,
  recipe text not null,
  day date not null,
  url_hash text not null,
  url text not null,
  kind text not null,
  zip text,
  carried jsonb default '{}'::jsonb not null,
  state text not null,
  attempts integer default 0 not null,
  queued_at timestamptz not null,
  place integer default 0 not null,
  fetched_at timestamptz,
  html_path text,
  items integer default 0 not null,
  message text,
  constraint pk_crawl_pages primary key (org_id, recipe, day, url_hash),
  constraint ck_crawl_pages_kind check (kind in ('search', 'list', 'detail')),
  constraint ck_crawl_pages_state check (state in ('queued', 'done', 'failed', 'refused')),
  constraint ck_crawl_pages_items check (items >= 0),
  constraint fk_crawl_pages_org_id foreign key(org_id) references leadflow.orgs (org_id)
);
comment on table leadflow.crawl_pages is 'Pages of county sites: what is still to be fetched, and what became of the rest. A page done stays done.';
comment on column leadflow.crawl_pages.org_id is 'Org that owns the row; row-level security compares it with app.org_id.';
comment on column leadflow.crawl_pages.recipe is 'Recipe that asks for the page; also its provider name.';
comment on column leadflow.crawl_pages.day is 'Partition day.';
comment on column leadflow.crawl_pages.url_hash is 'SHA-256 of what is asked for: the URL, and the form''s values.';
comment on column leadflow.crawl_pages.url is 'Address of the page, without fragment.';
comment on column leadflow.crawl_pages.kind is 'search: a form to fill in. list: rows. detail: one property.';
comment on column leadflow.crawl_pages.zip is 'ZIP whose search led here; null where none did.';
comment on column leadflow.crawl_pages.carried is 'What is known already: a form''s values, or the list row of a detail.';
comment on column leadflow.crawl_pages.state is 'refused: robots.txt or the recipe''s own limits forbid it, or the site turned it away.';
comment on column leadflow.crawl_pages.attempts is 'Requests begun for it.';
comment on column leadflow.crawl_pages.queued_at is 'Instant at which it was found; pages are asked for in this order.';
comment on column leadflow.crawl_pages.place is 'Order among the pages found at the same instant.';
comment on column leadflow.crawl_pages.fetched_at is 'Instant at which it was received; null until then.';
comment on column leadflow.crawl_pages.html_path is 'Where its HTML lies below LEADFLOW_HOME; kept for pages that failed.';
comment on column leadflow.crawl_pages.items is 'Items it gave.';
comment on column leadflow.crawl_pages.message is 'Why it failed or was refused.';
create index ix_crawl_pages_org_id_recipe_day_queued_at_place on leadflow.crawl_pages (org_id, recipe, day, queued_at, place) where state = 'queued';

create table leadflow.crawl_days (
  org_id uuid not null,
  recipe text not null,
  day date not null,
  requests integer default 0 not null,
  constraint pk_crawl_days primary key (org_id, recipe, day),
  constraint ck_crawl_days_requests check (requests >= 0),
  constraint fk_crawl_days_org_id foreign key(org_id) references leadflow.orgs (org_id)
);
comment on table leadflow.crawl_days is 'What a day''s crawling has asked of a site; one conditional update here is the crawl budget.';
comment on column leadflow.crawl_days.org_id is 'Org that owns the row; row-level security compares it with app.org_id.';
comment on column leadflow.crawl_days.recipe is 'Recipe.';
comment on column leadflow.crawl_days.day is 'Calendar day of the requests in LEADFLOW_TIMEZONE.';
comment on column leadflow.crawl_days.requests is 'Pages asked for, repeated attempts included.';

create table leadflow.crawl_stops (
  org_id uuid not null,
  recipe text not null,
  kind text not null,
  url text not null,
  message text not null,
  html_path text,
  stopped_at timestamptz not null,
  constraint pk_crawl_stops primary key (org_id, recipe),
  constraint fk_crawl_stops_org_id foreign key(org_id) references leadflow.orgs (org_id)
);
comment on table leadflow.crawl_stops is 'Recipes a site has turned away. They stay stopped until an operator clears them.';
comment on column leadflow.crawl_stops.org_id is 'Org that owns the row; row-level security compares it with app.org_id.';
comment on column leadflow.crawl_stops.recipe is 'Recipe that is stopped.';
comment on column leadflow.crawl_stops.kind is 'What the site answered with: login, captcha, forbidden, too_many or block_page.';
comment on column leadflow.crawl_stops.url is 'Page that was answered so.';
comment on column leadflow.crawl_stops.message is 'What happened, for the operator.';
comment on column leadflow.crawl_stops.html_path is 'Where the answer''s HTML lies below LEADFLOW_HOME.';
comment on column leadflow.crawl_stops.stopped_at is 'Instant of the answer.';

create table leadflow.crawl_robots (
  org_id uuid not null,
  host text not null,
  day date not null,
  http_status integer not null,
  body text not null,
  fetched_at timestamptz not null,
  constraint pk_crawl_robots primary key (org_id, host, day),
  constraint fk_crawl_robots_org_id foreign key(org_id) references leadflow.orgs (org_id)
);
comment on table leadflow.crawl_robots is 'robots.txt of crawled sites, asked for once per host and day.';
comment on column leadflow.crawl_robots.org_id is 'Org that owns the row; row-level security compares it with app.org_id.';
comment on column leadflow.crawl_robots.host is 'Scheme, host and port of the site.';
comment on column leadflow.crawl_robots.day is 'Calendar day in LEADFLOW_TIMEZONE.';
comment on column leadflow.crawl_robots.http_status is 'Status with which robots.txt was answered.';
comment on column leadflow.crawl_robots.body is 'robots.txt as it was that day; empty where there is none.';
comment on column leadflow.crawl_robots.fetched_at is 'Instant at which it was received.';

-- Tenancy, as in 0001.
alter table leadflow.crawl_pages enable row level security, force row level security;
create policy tenant on leadflow.crawl_pages
  using (org_id = (select nullif(current_setting('app.org_id', true), '')::uuid))
  with check (org_id = (select nullif(current_setting('app.org_id', true), '')::uuid));
grant select, insert, update, delete on leadflow.crawl_pages to leadflow_app;
alter table leadflow.crawl_days enable row level security, force row level security;
create policy tenant on leadflow.crawl_days
  using (org_id = (select nullif(current_setting('app.org_id', true), '')::uuid))
  with check (org_id = (select nullif(current_setting('app.org_id', true), '')::uuid));
grant select, insert, update, delete on leadflow.crawl_days to leadflow_app;
alter table leadflow.crawl_stops enable row level security, force row level security;
create policy tenant on leadflow.crawl_stops
  using (org_id = (select nullif(current_setting('app.org_id', true), '')::uuid))
  with check (org_id = (select nullif(current_setting('app.org_id', true), '')::uuid));
grant select, insert, update, delete on leadflow.crawl_stops to leadflow_app;
alter table leadflow.crawl_robots enable row level security, force row level security;
create policy tenant on leadflow.crawl_robots
  using (org_id = (select nullif(current_setting('app.org_id', true), '')::uuid))
  with check (org_id = (select nullif(current_setting('app.org_id', true), '')::uuid));
grant select, insert, update, delete on leadflow.crawl_robots to leadflow_app;
