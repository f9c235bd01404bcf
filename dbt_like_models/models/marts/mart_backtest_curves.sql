select
    ledger.org_slug() as org,
    day,
    market,
    horizon_days,
    without,
    day = max(day) over (partition by market, horizon_days, without) as is_newest,
    * exclude (zip, day, market, horizon_days, without)
from {{ source('lake', 'backtest_curves') }}
