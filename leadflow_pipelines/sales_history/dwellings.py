"""Which recorded uses hold no home: land, parking, shops, public buildings. A reading of words, county by county's own.

Not here: which sales are a market's (`arms_length`).
"""

from typing import Final

import polars as pl

# Land and lots, whatever they are zoned for: VACANT RESIDENTIAL LAND, VACANT ZONED MULTI FAMILY, V0. Condominiums of
# parking, storage and trade are no homes either, though "condo" stands there. New York's building classes are a letter
# and a figure: V vacant land, G garages.
NEVER_A_HOME: Final = (
    r"(?i)\bvacant\b|\bland$|\bunimproved\b|\bundeveloped\b|\bgre+nbelt\b|\bforest|\btimber|\bpasture|\bcropland|"
    r"\bagricultur|\bparking\b|\bgarages?$|\bstorage\b|\b(billing|building) lots?\b|\bterraces\b|"
    r"\b(ofc|offices?|store|commercial|business|hotels?|cultural\S*) (condo|build|bldg)|"
    r"\bcondo\S*\s+(ofc|office|commercial|store|hotel|cultural)|\b(commercial|com) condos?$|^[VG]\d$"
)
# Trade and public life, unless a word of dwelling stands beside: "store with apartments" holds homes.
TRADE: Final = (
    r"(?i)\b(churche?s?|religious|cemeter\w+|mortuary|schools?|educational|day ?care|hospitals?|health|"
    r"ofc|offices?|stores?|retail|shops?|shopping|restaurants?|resturants?|cafeteria|nightclub|lounge|clubs?|lodges?|"
    r"theat(?:er|re)s?|hotels?|motels?|warehouses?|factor(?:y|ies)|manufacturing|industrial|service station|"
    r"market|bank|car ?wash|government|municipal|utility|utilities|transportation|charitable|recreation\w*|"
    r"cultural|mini ?storage|marina|airport|mine|mining|quarry)\b"
)
DWELLING: Final = (
    r"(?i)\b(family|families|dwellings?|residence|residential|apartments?|apt|condo\w*|co-?ops?|duplex|triplex|"
    r"quadplex|fourplex|townho\w+|row ?house|mobile home|manufactured home|parsonage|boarding|dormitory|rentals?|"
    r"homes?|houses?|zero lot)\b"
)


def holds_no_home(land_use: pl.Expr) -> pl.Expr:
    """Boolean of `land_use` as the source writes it: certainly no home. Null and words not understood are False.

    Codes of a county's own (101, R1) are not understood, so their rows count as homes.
    """
    use = land_use.str.strip_chars()
    is_trade = use.str.contains(TRADE) & ~use.str.contains(DWELLING)
    return (use.str.contains(NEVER_A_HOME) | is_trade).fill_null(False)


def sales_of_homes(sales: pl.DataFrame) -> pl.DataFrame:
    """The sales without those that are certainly of no home: who sells is learned from homes, and asked of homes."""
    return sales.filter(~holds_no_home(pl.col("land_use").cast(pl.String)))
