-- Not a cent may be lost or doubled between the ledger and what finance reads.
with ledger as (
    select coalesce(sum(case state when 'settled' then settled_cents when 'unknown' then amount_cents end), 0) as cents
    from {{ source('ledger', 'reservations') }}
),

mart as (
    select coalesce(sum(cost_cents), 0) as cents from {{ ref('mart_provider_spend') }}
)

select ledger.cents as ledger_cents, mart.cents as mart_cents
from ledger cross join mart
where ledger.cents <> mart.cents
