"""The simulated vendors, one module each, imported when someone wants them: a demo starts with two of them."""

from collections.abc import Collection
from importlib import import_module

from leadflow_pipelines.providers.sandbox.vendor import Vendor

VENDOR_NAMES = (
    "attom", "batchdata", "rentcast", "regrid", "zillow", "datatree", "census", "google", "socrata", "arcgis", "carto",
    "county_site", "twilio", "dncscrub", "realphonevalidation", "llm",
)  # fmt: skip
"""Every simulated vendor; its module bears its name and holds VENDOR."""


def load_vendors(names: Collection[str] = VENDOR_NAMES) -> tuple[Vendor, ...]:
    """The vendors of these names, in the order of VENDOR_NAMES."""
    return tuple(import_module(f"{__name__}.{name}").VENDOR for name in VENDOR_NAMES if name in names)
