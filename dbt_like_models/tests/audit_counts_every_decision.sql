-- An auditor must find every decision: cleared rows one for one, blocked rows once per reason, so that a list row
-- without a reason, which would vanish from the audit, stops the marts.
with decided as (
    select verdict, sum(case when verdict = 'cleared' then 1 else greatest(len(reason_codes), 1) end) as decisions
    from {{ ref('stg_decisions') }}
    group by verdict
),

audited as (
    select verdict, sum(contact_points) as decisions
    from {{ ref('mart_compliance_audit') }}
    group by verdict
)

select verdict, decided.decisions as decided, audited.decisions as audited
from decided
full outer join audited using (verdict)
where decided.decisions is distinct from audited.decisions
