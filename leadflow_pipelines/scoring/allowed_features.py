"""What the motivation model may look at, with the fairness reason of each feature, and what it must never see.

Fitting refuses a feature that is not named here. No computation.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from leadflow_pipelines.errors import InvalidInput

Kind = Literal["number", "category", "flag"]


@dataclass(frozen=True)
class Feature:
    """One allowed input. `needs_dated`: only where the county's file dates its building columns (see vintage.py)."""

    name: str
    kind: Kind
    text: str
    fairness: str
    needs_dated: bool = False
    is_signal: bool = False
    # Figures that all homes of a place or season share know few places and few seasons: fine bins would learn
    # each of them by heart (AUC .012 lower in Nashville).
    most_bins: int = 32


_DEED = "an act of the property's own deed record, not of who its owner is"
_RELATIVE = "location enters only as a ratio to its own surroundings, so no neighbourhood is preferred for its people"
_BUILDING = "a fact of the building; people do not appear in it"
_RECORD = "a public record or condition of the property, the same for every owner"

FEATURES: Final[tuple[Feature, ...]] = (
    Feature("tenure_days", "number", "days since the latest deed", _DEED),
    Feature("price_vs_street", "number", "log price at purchase against its street and neighbourhood", _RELATIVE),
    Feature("price_vs_area", "number", "log price at purchase against its neighbourhood", _RELATIVE),
    Feature("price_vs_city", "number", "log price at purchase against the city's homes of its use", _RELATIVE),
    Feature("sqft_price_vs_area", "number", "log price per square foot against its neighbourhood", _RELATIVE, True),
    Feature("size_vs_area", "number", "log living area against its neighbourhood", _RELATIVE, True),
    Feature("lot_vs_area", "number", "log lot size against its neighbourhood", _RELATIVE, True),
    Feature("age_at_purchase", "number", "building's age in years when bought", _BUILDING, True),
    Feature("units", "number", "dwelling units", _BUILDING, True),
    Feature("previous_hold_days", "number", "days that the owner before had held it", _DEED),
    Feature("previous_gain", "number", "log price change from the deed before", _DEED),
    Feature("earlier_sales", "number", "deeds on record before the latest", _DEED),
    Feature("bought_with_others", "flag", "one deed price over several parcels", _DEED),
    Feature("price_unstated", "flag", "the latest deed states no price", _DEED),
    Feature(
        "area_turnover",
        "number",
        "log share of known homes sold in the last year, against the city",
        _RELATIVE,
        most_bins=5,
    ),
    Feature(
        "area_flip_share",
        "number",
        "log share of quick resales in the last year, against the city",
        _RELATIVE,
        most_bins=5,
    ),
    Feature(
        "area_price_trend",
        "number",
        "log price of the last half-year against before, against the city",
        _RELATIVE,
        most_bins=5,
    ),
    Feature("purchase_month", "number", "calendar month of the latest deed", _DEED, most_bins=4),
    Feature("land_use", "category", "kind of property as recorded", _BUILDING),
    Feature("style", "category", "style of the building as recorded", _BUILDING, True),
    Feature("is_absentee", "flag", "the owner's mail goes elsewhere", _RECORD, is_signal=True),
    Feature("is_out_of_state", "flag", "the owner's mail goes to another state", _RECORD, is_signal=True),
    Feature(
        "is_entity_owned",
        "flag",
        "a company or trust owns it: the only thing read from a name",
        _RECORD,
        is_signal=True,
    ),
    Feature("is_tax_delinquent", "flag", "on a tax-delinquent list", _RECORD, is_signal=True),
    Feature("is_pre_foreclosure", "flag", "on a pre-foreclosure list", _RECORD, is_signal=True),
    Feature("is_probate", "flag", "in probate, only where a lawful list says so", _RECORD, is_signal=True),
    Feature("is_vacant", "flag", "reported vacant", _RECORD, is_signal=True),
    Feature("has_code_violation", "flag", "open code violation", _RECORD, is_signal=True),
    Feature("equity_share", "number", "share of the value that is not lent on", _RECORD, is_signal=True),
    Feature("loan_age_years", "number", "age of the open loan in years", _RECORD, is_signal=True),
    Feature("owner_parcel_count", "number", "properties of the same owner", _RECORD, is_signal=True),
    Feature("stacked_list_count", "number", "lists that hold the property at once", _RECORD, is_signal=True),
)

ALLOWED: Final[dict[str, Feature]] = {feature.name: feature for feature in FEATURES}
SIGNALS: Final[tuple[str, ...]] = tuple(feature.name for feature in FEATURES if feature.is_signal)

# What may never be an input, by any of the names it comes under, and why.
DENIED: Final[dict[str, str]] = {
    **dict.fromkeys(
        ("owner_name", "owner_names", "first_name", "last_name", "surname", "person_name"),
        "names tell origin, sex and age",
    ),
    **dict.fromkeys(("age", "owner_age", "birth_date", "date_of_birth", "is_senior"), "age of people"),
    **dict.fromkeys(
        ("sex", "gender", "marital_status", "family_status", "household_size", "children"), "sex and household"
    ),
    **dict.fromkeys(("language", "religion", "race", "ethnicity", "national_origin", "disability"), "protected traits"),
    **dict.fromkeys(("school", "school_district", "school_rating"), "stands in for the people of a place"),
    **dict.fromkeys(
        ("income", "education", "tract", "census_tract", "block_group", "population_share"), "demographics of a place"
    ),
    **dict.fromkeys(
        ("zip", "zip5", "zip4", "neighborhood", "market_area", "city", "county_fips", "state"), "raw location"
    ),
    **dict.fromkeys(("lat", "lon", "latitude", "longitude", "address", "street", "parcel_id"), "raw location"),
    **dict.fromkeys(("zip_rate", "neighborhood_rate", "area_sale_rate"), "location encoded by its outcomes"),
}


def require_allowed(names: Iterable[str]) -> None:
    """Raises InvalidInput that names every feature which is denied, or merely not allowed."""
    faults = [_fault(name) for name in names if name not in ALLOWED]
    if faults:
        raise InvalidInput(
            "The motivation model may not use " + "; ".join(faults) + ".",
            remedy="Leave the column out; new features are argued for in scoring/allowed_features.py.",
        )


def _fault(name: str) -> str:
    return f"{name} (denied: {DENIED[name]})" if name in DENIED else f"{name} (not on the allow-list)"
