"""Forms that one place has: Puerto Rico's urbanizations and kilometre marks, the numbered Beach streets of Queens.

Here: rewrites of Spanish lines (USPS Publication 28, section 29), and names that only the place explains. Not here:
the rewrites that hold everywhere (`rewrites`).
"""

import polars as pl

_COMMUNITY = (
    r"(?:URB|COND|CONDOMINIO|EXT|BO|BARRIO|BDA|BARRIADA|REPTO|REPARTO|PARC|PARCELAS|SECT|SECTOR|MANS|JARD|ALT|RES)\b\.?"
)
_WAY = r"(?:CALLE|AVENIDA|PASEO|CAMINO|CALLEJON)"
_NUMBER = r"[A-Z]{0,2}-?[0-9]+[A-Z]?"
_UNITS = r"((?: (?:APT|APARTMENT|UNIT|STE|SUITE|OFIC|LOCAL|EDIF)\b.*| #.*)?)"

COMMA_HINT = (
    r", *KM\b|^(?:URB|URBANIZACION|COND|EXT|BO|BDA|REPTO|PARC|RES)\b.*,"
    r"|, *(?:URB|URBANIZACION|COND|EXT|BDA|REPTO|PARC)\b"
)
COMMA_RULES = (
    # An urbanization stands on a line of its own, above or below the street.
    (r"\bURBANIZACION\b\.?", "URB"),
    (r"^((?:CARR|CARRETERA|PR)\b[^,]*), *KM\b", "${1} KM"),
    (rf"^({_COMMUNITY}[^,0-9]*), *((?:{_NUMBER} |{_WAY} |AVE\b|CARR\b)[^,]*)", "${1} ${2}"),
    (rf"^([^,]*\b(?:{_WAY}|AVE\b|CARR\b)[^,]*), *((?:URB|COND|EXT|BDA|REPTO|PARC)\b[^,]*)", "${1} ${2}"),
)
STREET_HINT = (
    r"\b(?:CALLE|CLL|AVENIDA|CARR|CARRETERA|URB|URBANIZACION|KM)\b|^(?:AVE|PASEO|COND|BO|PARC)\b|\bPR[ -][0-9]+ KM"
)
STREET_RULES = (
    (r"\b(?:URBANIZACION|URBZ)\b", "URB"), (r"\bCLL\b", "CALLE"),
    # CARR 123 KM 4.5 is a road and its mark, which stands for the house number.
    (r"\b(?:CARRETERA|CARR)(?: ESTATAL)?[ .]*(?:PR[ -]*)?#?([0-9]{1,4})\b", "CARR_${1}"),
    (r"\bPR[ -]*([0-9]{1,4}) KM\b", "CARR_${1} KM"),
    (r" KM[ .]*([0-9]+)[ .]+HM[ .]*([0-9])\b", " KM ${1}.${2}"),
    (r"^(?:.*[^0-9A-Z])?CARR_([0-9]+) KM[ .]*([0-9]+(?:\.[0-9]+)?)(?: (?:BO|BARRIO|SECT|SECTOR)\b.*)?$",
     "KM_${2} CARR_${1}"),
    (r"^KM[ .]*([0-9]+(?:\.[0-9]+)?) CARR_([0-9]+)", "KM_${1} CARR_${2}"),
    # The house number leads: URB X 150 CALLE A, URB X CALLE A 150, CALLE A 150 URB X, URB X 150.
    (rf"^({_COMMUNITY} [A-Z ]*?) ({_NUMBER}) ({_WAY} .*?|AVE .*?){_UNITS}$", "${2} ${3} ${1}${4}"),
    (rf"^({_COMMUNITY} [A-Z ]*?) ({_WAY} (?:[A-Z ]+?|[0-9]+[A-Z]?)) (?:#|NUM |NO )? ?({_NUMBER}){_UNITS}$",
     "${3} ${2} ${1}${4}"),
    (rf"^({_WAY} (?:[A-Z ]+?|[0-9]+[A-Z]?)|AVE [A-Z]+(?: [A-Z]+)+?) (?:#|NUM |NO )? ?({_NUMBER})"
     rf"((?: {_COMMUNITY} [A-Z ]*?)?){_UNITS}$", "${2} ${1}${3}${4}"),
    (rf"^(URB [A-Z ]+?) (?:#|NUM |NO )? ?({_NUMBER}){_UNITS}$", "${2} ${1}${3}"),
    # A name of its own needs no urbanization; every urbanization has its CALLE A and its CALLE 3.
    (rf"^({_NUMBER} (?:{_WAY}|AVE|CAMINO) (?:[A-Z]+ )*?[A-Z]{{3,}}(?: [A-Z]+)*?) {_COMMUNITY} [A-Z0-9 ]*?{_UNITS}$",
     "${1}${2}"),
    (r"\bCALLE ([0-9]+[A-Z]?)\b", "CALLE_${1}"),
)  # fmt: skip
_ISLAND_ZIP = r"^00[679]"
_BEACH_ZIPS = ("11691", "11692", "11693", "11694", "11697")
_BEACH_CITIES = ("FAR ROCKAWAY", "ROCKAWAY PARK", "ROCKAWAY BEACH", "ARVERNE", "BELLE HARBOR", "BREEZY POINT")
_BEACH_NUMBER = r"^(\d[\d-]*)B$"


def settle_local_names(frame: pl.DataFrame) -> pl.DataFrame:
    """Address parts with the names that only the place explains: AVE PONCE DE LEON is AVENIDA PONCE DE LEON in Puerto
    Rico, 344 B 42ND ST is 344 BEACH 42ND ST in the Rockaways."""
    name, number = pl.col("street_name"), pl.col("house_number")
    is_avenue = name.str.starts_with("AVENUE ")
    is_beach = number.str.ends_with("B") & name.str.contains(r"^\d+(?:ST|ND|RD|TH)$") & (pl.col("suffix") == "ST")
    at = frame.select((is_avenue | is_beach).fill_null(value=False).arg_true()).to_series()
    if at.is_empty():
        return frame
    on_island = (pl.col("state") == "PR").fill_null(value=False) | pl.col("zip5").str.contains(_ISLAND_ZIP)
    at_beach = pl.col("zip5").is_in(_BEACH_ZIPS) | pl.col("city").is_in(_BEACH_CITIES)
    some = frame.select(
        pl.col("house_number", "street_name", "suffix", "zip5", "city", "state").gather(at)
    ).select(
        pl.when(is_beach & at_beach).then(number.str.replace(_BEACH_NUMBER, "${1}")).otherwise(number)
        .alias("house_number"),
        pl.when(is_avenue & on_island).then(name.str.replace("AVENUE", "AVENIDA", literal=True))
        .when(is_beach & at_beach).then(pl.lit("BEACH ") + name).otherwise(name).alias("street_name"),
    )  # fmt: skip
    return frame.with_columns(frame[column].scatter(at, some[column]) for column in some.columns)
