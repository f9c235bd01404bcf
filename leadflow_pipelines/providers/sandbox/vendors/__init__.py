"""The simulated vendors, one module each. A new one is added to VENDORS."""

from leadflow_pipelines.providers.sandbox.vendor import Vendor
from leadflow_pipelines.providers.sandbox.vendors import (
    arcgis,
    attom,
    batchdata,
    carto,
    census,
    county_site,
    datatree,
    google,
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
    census.VENDOR,
    google.VENDOR,
    socrata.VENDOR,
    arcgis.VENDOR,
    carto.VENDOR,
    county_site.VENDOR,
)
