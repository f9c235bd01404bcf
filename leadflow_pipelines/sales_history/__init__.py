"""Recorded sales in one strict shape: read, cut at a date, told apart, gathered into market areas. Pure."""

from leadflow_pipelines.sales_history.arms_length import arms_length, market_sales, street_of
from leadflow_pipelines.sales_history.columns import PRICE_CENTS, SALE_DATE, SALES_SCHEMA
from leadflow_pipelines.sales_history.cut import History, cut_history, read_day
from leadflow_pipelines.sales_history.dwellings import holds_no_home, sales_of_homes
from leadflow_pipelines.sales_history.market_areas import MarketAreas, learn_market_areas
from leadflow_pipelines.sales_history.read_sales import read_sales, read_subjects
from leadflow_pipelines.sales_history.shared_parcels import APART, home_on_parcel, homes_by_unit, parcel_key, tell_apart

__all__ = [
    "APART",
    "PRICE_CENTS",
    "SALES_SCHEMA",
    "SALE_DATE",
    "History",
    "MarketAreas",
    "arms_length",
    "cut_history",
    "holds_no_home",
    "home_on_parcel",
    "homes_by_unit",
    "learn_market_areas",
    "market_sales",
    "parcel_key",
    "read_day",
    "read_sales",
    "read_subjects",
    "sales_of_homes",
    "street_of",
    "tell_apart",
]
