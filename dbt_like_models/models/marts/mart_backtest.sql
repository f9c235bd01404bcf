-- Figures of scores and of values side by side. Score segments (owners of a year or more) and value segments (thirds
-- by price, months) overlap in part, so a row has the figures of whichever table knows it.
with scores as (
    select * exclude (zip), coalesce(as_of::varchar, 'all dates') as period
    from {{ source('lake', 'backtest_scores') }}
),

figures_of_values as (
    select * exclude (zip), coalesce(as_of::varchar, 'all dates') as period
    from {{ source('lake', 'backtest_values') }}
)

select
    ledger.org_slug() as org,
    day,
    market,
    horizon_days,
    without,
    day = max(day) over (partition by market, horizon_days, without) as is_newest,
    segment,
    model,
    period,
    coalesce(scores.as_of, figures_of_values.as_of) as as_of,
    scores.* exclude (day, market, horizon_days, without, segment, model, period, as_of),
    figures_of_values.* exclude (day, market, horizon_days, without, segment, model, period, as_of)
from scores
full join figures_of_values using (day, market, horizon_days, without, segment, model, period)
