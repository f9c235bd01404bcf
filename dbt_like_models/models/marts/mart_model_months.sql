select
    ledger.org_slug() as org,
    day as month,
    kind,
    version,
    * exclude (zip, day, kind, version, told_codes, watched_at, run_id)
from {{ source('lake', 'model_months') }}
