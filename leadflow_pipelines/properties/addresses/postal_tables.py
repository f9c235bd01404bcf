"""The words of US addresses as tables: suffixes, directionals, unit designators, ordinals, route words.

Source: USPS Publication 28, appendices B (directionals), C1 (suffixes), C2 (designators) and section 23-25.
Only data is here; `tokens` and `grammar` give it meaning.
"""

# One street suffix a line: full name, standard abbreviation, then the commonly met variants.
_SUFFIXES = """
ALLEY ALY ALLEE ALLY
ANNEX ANX ANEX ANNX
ARCADE ARC
AVENUE AVE AV AVEN AVENU AVN AVNUE AVEUNE AVNEUE
BAYOU BYU BAYOO
BEACH BCH
BEND BND
BLUFF BLF BLUF
BLUFFS BLFS
BOTTOM BTM BOT BOTTM
BOULEVARD BLVD BOUL BOULV BLV BOULEVRD BLVRD BOULVARD BVD
BRANCH BR BRNCH
BRIDGE BRG BRDGE
BROOK BRK
BROOKS BRKS
BURG BG
BURGS BGS
BYPASS BYP BYPA BYPAS BYPS
CAMP CP CMP
CANYON CYN CANYN CNYN
CAPE CPE
CAUSEWAY CSWY CAUSWA CSWAY
CENTER CTR CEN CENT CENTR CENTRE CNTER CNTR
CENTERS CTRS
CIRCLE CIR CIRC CIRCL CRCL CRCLE
CIRCLES CIRS
CLIFF CLF
CLIFFS CLFS
CLUB CLB
COMMON CMN
COMMONS CMNS
CORNER COR
CORNERS CORS
COURSE CRSE
COURT CT CRT
COURTS CTS
COVE CV
COVES CVS
CREEK CRK
CRESCENT CRES CRSENT CRSNT CRESENT
CREST CRST
CROSSING XING CRSSNG
CROSSROAD XRD
CROSSROADS XRDS
CURVE CURV
DALE DL
DAM DM
DIVIDE DV DIV DVD
DRIVE DR DRIV DRV
DRIVES DRS
ESTATE EST
ESTATES ESTS
EXPRESSWAY EXPY EXP EXPR EXPRESS EXPW EXPWY XWY
EXTENSION EXT EXTN EXTNSN
EXTENSIONS EXTS
FALL FALL
FALLS FLS
FERRY FRY FRRY
FIELD FLD
FIELDS FLDS
FLAT FLT
FLATS FLTS
FORD FRD
FORDS FRDS
FOREST FRST FORESTS
FORGE FRG FORG
FORGES FRGS
FORK FRK
FORKS FRKS
FORT FT FRT
FREEWAY FWY FREEWY FRWAY FRWY
GARDEN GDN GARDN GRDEN GRDN
GARDENS GDNS GRDNS
GATEWAY GTWY GATEWY GATWAY GTWAY
GLEN GLN
GLENS GLNS
GREEN GRN
GREENS GRNS
GROVE GRV GROV
GROVES GRVS
HARBOR HBR HARB HARBR HRBOR
HARBORS HBRS
HAVEN HVN
HEIGHTS HTS HT HGTS
HIGHWAY HWY HIGHWY HIWAY HIWY HWAY
HILL HL
HILLS HLS
HOLLOW HOLW HLLW HOLLOWS HOLWS
INLET INLT
ISLAND IS ISLND
ISLANDS ISS ISLNDS
ISLE ISLE ISLES
JUNCTION JCT JCTION JCTN JUNCTN JUNCTON
JUNCTIONS JCTS JCTNS
KEY KY
KEYS KYS
KNOLL KNL KNOL
KNOLLS KNLS
LAKE LK
LAKES LKS
LAND LAND
LANDING LNDG LNDNG
LANE LN LA LANES
LIGHT LGT
LIGHTS LGTS
LOAF LF
LOCK LCK
LOCKS LCKS
LODGE LDG LDGE LODG
LOOP LOOP LOOPS LP
MALL MALL
MANOR MNR
MANORS MNRS
MEADOW MDW
MEADOWS MDWS MEDOWS
MEWS MEWS
MILL ML
MILLS MLS
MISSION MSN MISSN MSSN
MOTORWAY MTWY
MOUNT MT MNT
MOUNTAIN MTN MNTAIN MNTN MOUNTIN MTIN
MOUNTAINS MTNS MNTNS
NECK NCK
ORCHARD ORCH ORCHRD
OVAL OVAL OVL
OVERPASS OPAS
PARK PARK PRK
PARKS PARK
PARKWAY PKWY PARKWY PKWAY PKY PKWYS PARKWAYS PWKY PKYWY
PASS PASS
PASSAGE PSGE
PATH PATH PATHS
PIKE PIKE PIKES PK
PINE PNE
PINES PNES
PLACE PL PLC PLCE
PLAIN PLN
PLAINS PLNS
PLAZA PLZ PLZA
POINT PT PNT
POINTS PTS PNTS
PORT PRT
PORTS PRTS
PRAIRIE PR PRR
PROMENADE PROM
RADIAL RADL RAD RADIEL
RAMP RAMP
RANCH RNCH RANCHES RNCHS
RAPID RPD
RAPIDS RPDS
REST RST
RIDGE RDG RDGE
RIDGES RDGS
RIVER RIV RVR RIVR
ROAD RD
ROADS RDS
ROUTE RTE
ROW ROW
RUE RUE
RUN RUN
SHOAL SHL
SHOALS SHLS
SHORE SHR SHOAR
SHORES SHRS SHOARS
SKYWAY SKWY
SPRING SPG SPNG SPRNG
SPRINGS SPGS SPNGS SPRNGS
SPUR SPUR SPURS
SQUARE SQ SQR SQRE SQU
SQUARES SQS SQRS
STATION STA STATN STN
STRAVENUE STRA STRAV STRAVEN STRVN STRVNUE
STREAM STRM STREME
STREET ST STRT STR STRET STEET SREET
STREETS STS
SUMMIT SMT SUMIT SUMITT
TERRACE TER TERR TERRAC TERRCE
THROUGHWAY TRWY
TRACE TRCE TRACES
TRACK TRAK TRACKS TRK TRKS
TRAFFICWAY TRFY
TRAIL TRL TRAILS TRLS TR
TRAILER TRLR TRLRS
TUNNEL TUNL TUNEL TUNLS TUNNELS TUNNL
TURNPIKE TPKE TRNPK TURNPK TPK TNPK
UNDERPASS UPAS
UNION UN
UNIONS UNS
VALLEY VLY VALLY VLLY
VALLEYS VLYS
VIADUCT VIA VDCT VIADCT
VIEW VW
VIEWS VWS
VILLAGE VLG VILL VILLAG VILLG VILLIAGE
VILLAGES VLGS
VILLE VL
VISTA VIS VIST VST VSTA
WALK WALK WALKS
WALL WALL
WAY WAY WY
WAYS WAYS
WELL WL
WELLS WLS
"""

SUFFIXES: dict[str, str] = {}
"""Any form of a suffix, upper case, to its standard abbreviation."""
SUFFIX_WORDS: dict[str, str] = {}
"""Any form of a suffix to its full name, as it is written inside a street name (LAKE SHORE, not LK SHR)."""
for _line in _SUFFIXES.strip().splitlines():
    _full, _short, *_variants = _line.split()
    for _form in (_full, _short, *_variants):
        SUFFIXES.setdefault(_form, _short)
        SUFFIX_WORDS.setdefault(_form, _full)

DIRECTIONALS = {
    "NORTH": "N", "SOUTH": "S", "EAST": "E", "WEST": "W", "NORTHEAST": "NE", "NORTHWEST": "NW",
    "SOUTHEAST": "SE", "SOUTHWEST": "SW", "N": "N", "S": "S", "E": "E", "W": "W", "NE": "NE", "NW": "NW",
    "SE": "SE", "SW": "SW", "NO": "N", "SO": "S", "NTH": "N", "STH": "S",
}  # fmt: skip
DIRECTIONAL_WORDS = {
    "N": "NORTH", "S": "SOUTH", "E": "EAST", "W": "WEST", "NE": "NORTHEAST", "NW": "NORTHWEST",
    "SE": "SOUTHEAST", "SW": "SOUTHWEST",
}  # fmt: skip

# Designators that are rarely part of a street name: they open a unit wherever they stand behind a street.
STRONG_DESIGNATORS = {
    "APT": "APT", "APARTMENT": "APT", "APTMT": "APT", "APMT": "APT", "UNIT": "UNIT", "UNT": "UNIT", "STE": "STE",
    "SUITE": "STE", "SUIT": "STE", "#": "#", "RM": "RM", "ROOM": "RM", "BLDG": "BLDG", "BUILDING": "BLDG",
    "BLD": "BLDG", "TRLR": "TRLR", "TRAILER": "TRLR", "FL": "FL", "FLOOR": "FL", "FLR": "FL", "LOT": "LOT",
    "SPC": "SPC", "SPACE": "SPC", "SP": "SPC", "DEPT": "DEPT", "DEPARTMENT": "DEPT", "HNGR": "HNGR",
    "HANGAR": "HNGR", "SLIP": "SLIP", "OFC": "OFC", "OFFICE": "OFC", "PENTHOUSE": "PH", "PH": "PH", "KEY": "KEY",
    "STOP": "STOP", "PIER": "PIER", "BOX": "BOX", "NUMBER": "#",
    "EDIF": "BLDG", "EDIFICIO": "BLDG", "PMB": "PMB",
}  # fmt: skip
# Designators that may stand without an identifier.
LONE_DESIGNATORS = {
    "REAR": "REAR", "BSMT": "BSMT", "BASEMENT": "BSMT", "FRNT": "FRNT", "FRONT": "FRNT",
    "LOWR": "LOWR", "LOWER": "LOWR", "UPPR": "UPPR", "UPPER": "UPPR", "LBBY": "LBBY", "LOBBY": "LBBY", "PH": "PH",
    "PENTHOUSE": "PH", "OFC": "OFC", "OFFICE": "OFC", "SIDE": "SIDE", "UPSTAIRS": "UPPR", "DOWNSTAIRS": "LOWR",
}  # fmt: skip
UNIT_WORDS = frozenset(
    ["CONDO", "RES", "RESI", "RESID", "COM", "COMM", "COML", "COMML", "DUP", "DUPLX", "DUPLEX", "PARKI", "PARKG",
     "PRKG", "RPKG", "CPKG", "PKG", "GARAGE", "GAR", "RET", "STORE", "PROF", "MEZZ", "CELLAR", "CELLR"]
)  # fmt: skip
"""Words that counties write where a unit's number stands."""
NAMED_UNITS = {"COTTAGE": "UNIT", "VILLA": "UNIT"}
"""Designators where a comma parts them from the street; else only before a number or letter (HIGHLAND VILLA APT 4)."""
DESIGNATORS = {**LONE_DESIGNATORS, **STRONG_DESIGNATORS, **NAMED_UNITS}

_UNITS = ["", "FIRST", "SECOND", "THIRD", "FOURTH", "FIFTH", "SIXTH", "SEVENTH", "EIGHTH", "NINTH"]
_TEENS = ["TENTH", "ELEVENTH", "TWELFTH", "THIRTEENTH", "FOURTEENTH", "FIFTEENTH", "SIXTEENTH", "SEVENTEENTH",
          "EIGHTEENTH", "NINETEENTH"]  # fmt: skip
TENS = {"TWENTY": 20, "THIRTY": 30, "FORTY": 40, "FIFTY": 50, "SIXTY": 60, "SEVENTY": 70, "EIGHTY": 80, "NINETY": 90}
_ROUND_TENS = {"TWENTIETH": 20, "THIRTIETH": 30, "FORTIETH": 40, "FIFTIETH": 50, "SIXTIETH": 60,
               "SEVENTIETH": 70, "EIGHTIETH": 80, "NINETIETH": 90}  # fmt: skip


def ordinal(number: int) -> str:
    """1 → 1ST, 12 → 12TH, 22 → 22ND."""
    if number % 100 in (11, 12, 13):
        return f"{number}TH"
    return f"{number}{ {1: 'ST', 2: 'ND', 3: 'RD'}.get(number % 10, 'TH') }"


ORDINAL_WORDS = {
    **{word: ordinal(number) for number, word in enumerate(_UNITS) if word},
    **{word: ordinal(10 + number) for number, word in enumerate(_TEENS)},
    **{word: ordinal(number) for word, number in _ROUND_TENS.items()},
    **{
        f"{tens}{joint}{unit}": ordinal(value + number)
        for joint in ("-", "")
        for tens, value in TENS.items()
        for number, unit in enumerate(_UNITS)
        if unit
    },
}
"""THIRD → 3RD, TWENTY-FIRST and TWENTYFIRST → 21ST."""

NAME_WORDS = {
    "ST": "SAINT", "STE": "SAINTE", "MT": "MOUNT", "FT": "FORT", "DR": "DR", "LA": "LA", "PR": "PR", "IS": "IS",
    "COR": "COR", "BR": "BR", "CT": "COURT", "PK": "PARK", "TR": "TRAIL", "VIA": "VIA", "DIV": "DIV", "UN": "UN",
    "ML": "ML", "DE": "DE", "ST.": "SAINT", "GOV": "GOVERNOR", "GEN": "GENERAL", "MLK": "MARTIN LUTHER KING",
    "JUNIOR": "JR", "SENIOR": "SR", "DOCTOR": "DR", "WL": "WL", "DL": "DL", "DM": "DM", "LF": "LF", "VL": "VL",
    "CP": "CP", "KY": "KY", "MSN": "MSN", "REST": "REST", "FORESTS": "FORESTS", "ISLES": "ISLES",
    "LANES": "LANES", "PARKS": "PARKS", "PIKES": "PIKES", "TRAILS": "TRAILS", "RANCHES": "RANCHES",
    "TRACES": "TRACES", "WALKS": "WALKS", "PATHS": "PATHS", "LOOPS": "LOOPS", "SPURS": "SPURS",
    "TRACKS": "TRACKS", "HOLLOWS": "HOLLOWS", "EST": "EST", "CEN": "CEN", "PT": "POINT",
}  # fmt: skip
"""How a word is written inside a street name, where that differs from its full suffix name."""

NUMBERED_WORDS = frozenset(["CALLE", "AVENIDA", "BEACH", "CAMINO", "CARR", "CARRETERA", "PASEO", "KM", "SAINT", "URB"])
"""Words whose street names end in a number (CALLE 5): that number is no unit."""

THOROUGHFARES = ("ST", "AVE", "RD", "DR", "PL", "LN", "CT", "TER", "BLVD")
"""Suffixes that name a street and hardly anything else."""

ROADS = (
    "ST|STREET|AVE|AVENUE|AV|RD|ROAD|DR|DRIVE|LN|LANE|CT|COURT|CIR|CIRCLE|WAY|PL|PLACE|BLVD|BOULEVARD|TER|TERRACE|PKWY"
    "|PARKWAY"
)
"""Forms of suffixes that end a street and hardly begin a name, as alternatives of a regular expression."""

PLACEHOLDERS = frozenset(
    ["N/A", "NA", "NONE", "NULL", "UNKNOWN", "UNK", "TBD", "XX", "XXX", "0", "00", "000", "0000", "00000", "NAN"]
)  # fmt: skip
"""Words that stand where a number, unit or city is not known."""

_NO = r"(?:[ -]|(?:,? NO\.?| NUMBER)? ?#? ?)"
_COUNTY = "COUNTY|CNTY|CO|CTY"
_BEFORE_HIGHWAY = (
    "OLD|NEW|BUS|BUSINESS|ALT|NORTH|SOUTH|EAST|WEST|ALABAMA|ARIZONA|ARKANSAS|CALIFORNIA|COLORADO|FLORIDA|GEORGIA|IDAHO"
    "|INDIANA|IOWA|KANSAS|KENTUCKY|LOUISIANA|MINNESOTA|MISSISSIPPI|MISSOURI|MONTANA|NEBRASKA|NEVADA|OHIO|OKLAHOMA|OREGON"
    "|CAROLINA|DAKOTA|TENNESSEE|TEXAS|UTAH|VIRGINIA|WASHINGTON|WISCONSIN|WYOMING"
)
_LETTERS = "[A-Z]|AA|BB|CC|DD|EE|FF|GG|HH|II|JJ|KK|LL|MM|NN|OO|PP|QQ|RR|SS|TT|UU|VV|WW|XX|YY|ZZ"
"""Lettered county roads of Wisconsin, Minnesota and Missouri."""
ROUTE_STATES = (
    "AL|AK|AZ|AR|CA|DE|GA|HI|ID|IL|IN|IA|KS|KY|LA|ME|MD|MA|MI|MN|MS|MO|MT|NV|NH|NJ|NM|NY|NC|ND|OH|OK|OR|PA|RI|SC|SD"
    "|TN|TX|UT|VT|VA|WA|WV|WI|WY"
)
"""Codes that name a state before a road's number: not CO (county), CT, FL and NE, which are words."""
_BEHIND_ROUTE = r" [NSEW]| NORTH| SOUTH| EAST| WEST| (?:APT|UNIT|STE|SUITE|LOT|BLDG|TRLR)\b.*| #.*"
ROUTE_FORMS = (
    # (regular expression over the upper-case street, replacement). A route is one word from here on: its parts
    # are joined with `_`, so that no later step takes the number for a unit or the word for a suffix.
    (rf"\b(?:US|U S) (?:HIGHWAY|HWY|HIWAY|ROUTE|RTE|RT){_NO}(\d+[A-Z]?)\b", "US_HIGHWAY_${1}"),
    (rf"\b(?:STATE|ST) (?:HIGHWAY|HWY){_NO}(\d+[A-Z]?|[A-Z]{{1,2}})\b", "STATE_HIGHWAY_${1}"),
    (rf"\b(?:STATE|ST) (?:ROUTE|RTE|RT){_NO}(\d+[A-Z]?)\b", "STATE_ROUTE_${1}"),
    (rf"\b(?:STATE|ST) (?:ROAD|RD){_NO}(\d+[A-Z]?)\b", "STATE_ROAD_${1}"),
    (r"\bSR[ -]?#?(\d+[A-Z]?)\b", "STATE_ROUTE_${1}"),
    (r"\bSH[ -]?#?(\d+[A-Z]?)\b", "STATE_HIGHWAY_${1}"),
    (rf"\b(?:{_COUNTY}) (?:ROAD|RD){_NO}(\d+[A-Z]?)\b", "COUNTY_ROAD_${1}"),
    (rf"\b(?:COUNTY|CNTY|CTY) (?:ROAD|RD) ({_LETTERS})\b", "COUNTY_ROAD_${1}"),
    (rf"\b(?:{_COUNTY}) (?:(?:TRUNK|TRK) )?(?:HIGHWAY|HWY|HW){_NO}(\d+[A-Z]?|[A-Z]{{1,2}})\b", "COUNTY_HIGHWAY_${1}"),
    (rf"\bCTH ({_LETTERS})\b", "COUNTY_HIGHWAY_${1}"),
    (r"\bCR[ -]?#?(\d+[A-Z]?)\b", "COUNTY_ROAD_${1}"),
    (r"\b(?:TOWNSHIP|TWP) (?:ROAD|RD) ?#?(\d+[A-Z]?)\b", "TOWNSHIP_ROAD_${1}"),
    (r"\b(?:PRIVATE|PVT) (?:ROAD|RD) ?#?(\d+[A-Z]?)\b", "PRIVATE_ROAD_${1}"),
    (r"\b(?:FARM TO MARKET|FM)(?: (?:ROAD|RD))?[ -]?#?(\d+[A-Z]?)\b", "FM_${1}"),
    (r"\b(?:RANCH TO MARKET|RANCH)(?: (?:ROAD|RD)) ?#?(\d+[A-Z]?)\b", "RANCH_ROAD_${1}"),
    (r"\bFARM (?:ROAD|RD) ?#?(\d+[A-Z]?)\b", "FARM_ROAD_${1}"),
    (r"^(\d\S* (?:[NSEW]{1,2} |NORTH(?:EAST|WEST)? |SOUTH(?:EAST|WEST)? |EAST |WEST )?)R[MR] ?#?(\d{3,4})\b",
     "${1}RANCH_ROAD_${2}"),
    (r"^(\d\S* (?:[NSEW]{1,2} |NORTH(?:EAST|WEST)? |SOUTH(?:EAST|WEST)? |EAST |WEST )?)(LOOP|SPUR) (\d{2,4})\b",
     "${1}${2}_${3}"),
    (r"\b(?:INTERSTATE(?: (?:HIGHWAY|HWY))?|IH)[ -]?#?(\d+[A-Z]?)\b", "INTERSTATE_${1}"),
    (r"\bI-(\d+[A-Z]?)\b", "INTERSTATE_${1}"),
    (r"^(\d\S* (?:[NSEW] )?)I ([1-9]\d{0,2})( [NSEW]| NORTH| SOUTH| EAST| WEST| FRONTAGE.*| SERVICE.*)?$",
     "${1}INTERSTATE_${2}${3}"),
    (r"\bUS[ -]?(\d+[A-Z]?)\b", "US_HIGHWAY_${1}"),
    # ASHLAND CITY HIGHWAY 3 is a unit of a named highway; OLD HIGHWAY 70 and TX HWY 9 are routes.
    (rf"(^|[0-9][A-Z]? |\b(?:[A-Z]{{1,2}}|{_BEFORE_HIGHWAY}) )(?:HIGHWAY|HWY|HIWAY)(?:[ -]| NO\.? | ?#)"
     r"(\d+[A-Z]?|A1A)\b",
     "${1}HIGHWAY_${2}"),
    (r"\b(?:ROUTE|RTE|RT)(?:[ -]| NO\.? | ?# ?)(\d+[A-Z]?)\b", "ROUTE_${1}"),
    (r"\bFM_(\d+) (?:ROAD|RD)\b", "FM_${1}"),
    (r"\b((?:US_)?HIGHWAY_\d+)(?: AND |-)(\d+)\b", "${1}_AND_${2}"),
    # A state's code before its road: NC 55, OH-28, KY HIGHWAY 80.
    (rf"^(\d\S* (?:[NSEW]{{1,2}} )?)({ROUTE_STATES})[ -](\d{{1,4}}[A-Z]?)({_BEHIND_ROUTE})?$", "${1}${2}_${3}${4}"),
    (rf"^(\d\S* (?:[NSEW]{{1,2}} )?)({ROUTE_STATES}) ((?:STATE_)?(?:HIGHWAY|ROUTE|ROAD)_\d)", "${1}${2}_${3}"),
)  # fmt: skip
ROUTE_HINT = (
    r"\b(?:HIGHWAY|HWY|HIWAY|HW|ROUTE|RTE|RT|ROAD|RD|SR|SH|CR|FM|RM|MARKET|INTERSTATE|IH|I|US|U S|LOOP|SPUR|CTH|RR)"
    r"(?: NO\.?)?[ #-]+(?:[0-9]|[A-Z]{1,2}(?: |$)|A1A)"
    r"|\b(?:SR|SH|CR|FM|US)[0-9]"
    rf"|^[0-9]\S* (?:[NSEW]{{1,2}} )?(?:{ROUTE_STATES})[ -][0-9HSR]"
)
"""What a street must hold for any of ROUTE_FORMS to apply."""
