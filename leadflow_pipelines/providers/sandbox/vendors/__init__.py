"""The simulated vendors, one module each. A new one is added to VENDORS."""

from leadflow_pipelines.providers.sandbox.vendor import Vendor
from leadflow_pipelines.providers.sandbox.vendors import (
    arcgis,
    attom,
    batchdata,
    carto,
    county_site,
    datatree,
    regrid,
    rentcast,
    socrata,
    zillow,
)

VENDORS: tuple[Vendor, ...] = (
    attom.VENDOR,
    batchdata.VENDOR,
    rentcast.VENDOR,
    regrid.VENDOR,
    zillow.VENDOR,
    datatree.VENDOR,
    socrata.VENDOR,
    arcgis.VENDOR,
    carto.VENDOR,
    county_site.VENDOR,
)
