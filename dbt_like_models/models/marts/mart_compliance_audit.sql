-- What was cleared and what was blocked, why, and under which version of the rules. A contact point blocked for three
-- reasons stands in three rows, because lifting one reason would not clear it.
with reasons as (
    select
        zip,
        day,
        channel,
        verdict,
        rule_version,
        unnest(if(verdict = 'cleared', ['cleared'], reason_codes)) as reason_code
    from {{ ref('stg_decisions') }}
)

select
    ledger.org_slug() as org,
    zip,
    day,
    channel,
    verdict,
    reason_code,
    rule_version,
    count(*) as contact_points
from reasons
group by zip, day, channel, verdict, reason_code, rule_version
