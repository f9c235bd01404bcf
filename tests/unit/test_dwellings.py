"""Words of land use that hold no home, as assessors of several counties write them."""

import polars as pl
import pytest

from leadflow_pipelines.sales_history import holds_no_home

HOMES = (
    "SINGLE FAMILY", "RESIDENTIAL CONDO", "DUPLEX", "TRIPLEX", "QUADPLEX", "ZERO LOT LINE", "CONDO", "MOBILE HOME",
    "PARSONAGE", "DORMITORY/BOARDING HOUSE", "RESIDENTIAL COMBO/MISC", "APARTMENT: LOW RISE (BUILT SINCE 1960)",
    "01 ONE FAMILY DWELLINGS", "02 TWO FAMILY DWELLINGS", "10 COOPS - ELEVATOR APARTMENTS",
    "13 CONDOS - ELEVATOR APARTMENTS", "17 CONDO COOPS", "14 RENTALS - 4-10 UNIT", "04 TAX CLASS 1 CONDOS",
    "16 CONDOS - 2-10 UNIT WITH COMMERCIAL UNIT", "Store with 2 apartments", "A1", "R4", "101",
    "Single Family Residence", "Planned Unit Development", "Townhouse", "Row House", "SFR", "", None,
)  # fmt: skip
NO_HOMES = (
    "VACANT RESIDENTIAL LAND", "VACANT RES LAND", "VACANT RESIENTIAL LAND", "VACANT ZONED MULTI FAMILY",
    "VACANT COMMERCIAL LAND", "Residential Land", "Vacant Single Family Lot", "PARKING LOT", "GREENBELT", "FOREST",
    "GREENBELT/RES GRRENBELT/RES", "CHURCH", "CONDOMINIUM OFC  OR OTHER COM CONDO", "OFFICE BLDG (ONE OR TWO STORIES)",
    "NON-PROFIT CHARITABLE SERVICE", "RESTURANT/CAFETERIA", "DAY CARE CENTER", "STRIP SHOPPING CENTER",
    "TERMINAL/DISTRIBUTION WAREHOUSE", "LIGHT MANUFACTURING", "MORTUARY/CEMETERY", "44 CONDO PARKING",
    "05 TAX CLASS 1 VACANT LAND", "22 STORE BUILDINGS", "29 COMMERCIAL GARAGES", "43 CONDO OFFICE BUILDINGS",
    "47 CONDO NON-BUSINESS STORAGE", "28 COMMERCIAL CONDOS", "46 CONDO STORE BUILDINGS",
    "11 SPECIAL CONDO BILLING LOTS", "45 CONDO HOTELS", "48 CONDO TERRACES/GARDENS/CABANAS",
    "37 RELIGIOUS FACILITIES", "V0", "G6", "Agricultural",
)  # fmt: skip


@pytest.mark.parametrize(("uses", "expected"), [(HOMES, False), (NO_HOMES, True)])
def test_uses_are_told_from_homes(uses: tuple[str | None, ...], expected: bool) -> None:
    read = pl.DataFrame({"use": uses}, schema={"use": pl.String}).with_columns(no_home=holds_no_home(pl.col("use")))
    wrong = read.filter(pl.col("no_home") != expected)["use"].to_list()
    assert read["no_home"].null_count() == 0
    assert not wrong


def test_a_column_without_a_word_holds_homes() -> None:
    read = pl.DataFrame({"use": pl.Series([None, None], dtype=pl.String)}).select(holds_no_home(pl.col("use")))
    assert read.to_series().to_list() == [False, False]
