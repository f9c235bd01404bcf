"""The simulated vendors, one module each. A new one is added to VENDORS."""

from leadflow_pipelines.providers.sandbox.vendor import Vendor
from leadflow_pipelines.providers.sandbox.vendors import attom, batchdata

VENDORS: tuple[Vendor, ...] = (attom.VENDOR, batchdata.VENDOR)
