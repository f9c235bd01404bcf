"""The dataflow: Dagster assets from raw pulls to marts, a dozen lines each."""

from collections.abc import Sequence

import dagster as dg

from assets.backtest import BACKTEST_NAMES, build_backtest_assets
from assets.contacts import lead_contacts, outreach_lists, raw_batchdata
from assets.geocodes import geocodes, may_cost
from assets.leads import enriched_leads, lead_scores
from assets.marts import MART_NAMES, build_mart_assets
from assets.model_watch import WATCH_NAMES, build_model_watch
from assets.models import MODEL_NAMES, build_model_assets
from assets.properties import properties
from assets.raw_pulls import RAW_ASSETS, landed_specs, unasked_pulls
from assets.records import property_records
from assets.scope import Scope
from leadflow_pipelines.providers.sources.geocoding import why_not_geocode
from leadflow_pipelines.settings import Settings

ZIP_DAY_ASSETS = (
    *RAW_ASSETS,
    property_records,
    geocodes,
    properties,
    enriched_leads,
    lead_scores,
    raw_batchdata,
    lead_contacts,
    outreach_lists,
)
ZIP_DAY_NAMES = tuple(name for asset in ZIP_DAY_ASSETS for name in asset.table_names)
LIST_NAMES = outreach_lists.table_names
PULL_NAMES = tuple(asset.name for asset in RAW_ASSETS)

__all__ = [
    "BACKTEST_NAMES",
    "LIST_NAMES",
    "MART_NAMES",
    "MODEL_NAMES",
    "PULL_NAMES",
    "WATCH_NAMES",
    "ZIP_DAY_NAMES",
    "build_assets",
    "paid_names",
    "unasked",
]


def build_assets(scope: Scope) -> Sequence[dg.AssetsDefinition | dg.AssetSpec]:
    """Every asset of one org."""
    zip_days = [asset.bind(scope) for asset in ZIP_DAY_ASSETS]
    return [
        *landed_specs(scope),
        *zip_days,
        *build_model_assets(scope),
        *build_model_watch(scope),
        build_backtest_assets(scope),
        build_mart_assets(scope),
    ]


def unasked(settings: Settings, *, is_simulated: bool = False) -> list[str]:
    """The assets that have nobody to ask under these settings: a run need not work them.

    A real org's geocodes are worked in any case, because they also drop what may be kept no longer.
    """
    has_no_simulator = is_simulated and why_not_geocode(settings, is_simulated=True)
    return [*unasked_pulls(settings, is_simulated=is_simulated), *([geocodes.name] if has_no_simulator else [])]


def paid_names(settings: Settings) -> tuple[str, ...]:
    """The assets that may spend under these settings."""
    paid = tuple(asset.name for asset in ZIP_DAY_ASSETS if asset.is_paid)
    return (*paid, geocodes.name) if may_cost(settings) else paid
