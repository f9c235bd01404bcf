"""The dataflow: Dagster assets from raw pulls to marts, a dozen lines each."""

from collections.abc import Sequence

import dagster as dg

from assets.contacts import lead_contacts, outreach_lists, raw_batchdata
from assets.leads import enriched_leads, lead_scores
from assets.marts import MART_NAMES, build_mart_assets
from assets.properties import properties
from assets.raw_pulls import RAW_ASSETS, landed_specs, unasked
from assets.records import property_records
from assets.scope import Scope

ZIP_DAY_ASSETS = (
    *RAW_ASSETS,
    property_records,
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
PAID_NAMES = tuple(asset.name for asset in ZIP_DAY_ASSETS if asset.is_paid)

__all__ = ["LIST_NAMES", "MART_NAMES", "PAID_NAMES", "PULL_NAMES", "ZIP_DAY_NAMES", "build_assets", "unasked"]


def build_assets(scope: Scope) -> Sequence[dg.AssetsDefinition | dg.AssetSpec]:
    """Every asset of one org."""
    return [*landed_specs(scope), *(asset.bind(scope) for asset in ZIP_DAY_ASSETS), build_mart_assets(scope)]
