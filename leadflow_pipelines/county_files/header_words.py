"""Column headers in plain words: `PROP_ADDR1`, `PropertyAddress` and `Property Address 1` come out alike."""

import re
from functools import cache

_WORDS = {
    "address": "address addr adr add adrs addrs addresses",
    "property": "property prop prpty prprty",
    "situs": "situs sit site location loc locn physical phys premise premises prem",
    "street": "street str strt",
    "st": "st",
    "number": "number num no nbr nmbr numb nr",
    "name": "name nm names",
    "owner": "owner own ownr owners",
    "mailing": "mailing mail mlg ml mailaddress",
    "city": "city cty municipality town citynm",
    "state": "state",
    "zip": "zip zipcode postal postcode zip5 zcode",
    "code": "code cd codes",
    "county": "county cnty",
    "date": "date dt dte",
    "day": "day dy",
    "month": "month mo mon mth",
    "year": "year yr yrs",
    "amount": "amount amt",
    "price": "price prc pr",
    "value": "value val vl valuation values",
    "total": "total tot ttl tl",
    "assessed": "assessed assess assd asd asmt assmt assessment asses",
    "appraised": "appraised appr apprsd appraisal apr appraise",
    "market": "market mkt mrkt",
    "built": "built blt bld build bilt constructed construction",
    "building": "building bldg bldng bdg structure",
    "sqft": "sqft sf sqfeet squarefeet squarefootage squarefoot sqftage sqfootage footage",
    "square": "square sq",
    "feet": "feet ft foot",
    "area": "area ar",
    "size": "size sz",
    "acres": "acres acre acreage ac acrg",
    "bedroom": "bedroom bedrooms bed beds bd bdrm bdrms bedrm bedrms br",
    "bath": "bath baths bathroom bathrooms ba bth bths bathrm bthrm fixbath",
    "full": "full fl",
    "half": "half hlf hf",
    "parcel": "parcel pcl prcl par parcl",
    "parcelid": "apn pin parid parcelid parcelno parcelnumber bbl folio upi ppn pid sbl reid",
    "account": "account acct acc",
    "id": "id identifier ident",
    "latitude": "latitude lat",
    "longitude": "longitude lon lng long",
    "coordinate": "coordinate coord coords",
    "direction": "direction dir directional predir",
    "prefix": "prefix pre pfx",
    "suffix": "suffix suf sfx sufx postfix",
    "post": "post",
    "type": "type typ tp",
    "class": "class cls classification",
    "description": "description desc descr dscr descrip",
    "land": "land lnd",
    "lot": "lot",
    "use": "use lu luc usecode",
    "sale": "sale sales sold sl sls",
    "transfer": "transfer xfer trans conveyance",
    "deed": "deed deeds",
    "recorded": "recorded recording rec recordation",
    "last": "last lst latest recent recentmost",
    "unit": "unit",
    "units": "units",
    "apartment": "apartment apt apartmnt",
    "suite": "suite ste",
    "mortgage": "mortgage mtg mortg mtge",
    "loan": "loan",
    "tax": "tax taxes txs",
    "owed": "owed due owing payable",
    "delinquent": "delinquent delinq dlq delinquency",
    "living": "living liv livable lvg lv sfla",
    "heated": "heated heat htd",
    "finished": "finished fin finish",
    "residential": "residential res resid",
    "vacant": "vacant vac vacancy",
    "occupied": "occupied occ occupancy occupant",
    "homestead": "homestead hmstd hstead hx",
    "flag": "flag flg indicator ind yn",
    "first": "first fname firstname",
    "surname": "lname lastname surname",
    "previous": "previous prev prior former grantor seller",
    "grantee": "grantee buyer purchaser",
    "taxpayer": "taxpayer taxpyr billing bill remit",
    "care": "care careof co attn",
    "effective": "effective eff",
    "house": "house hse hs",
    "line": "line ln",
    "borough": "borough boro",
    "block": "block blk",
    "record": "record",
    "fips": "fips geoid",
    "full_name": "fullname",
    "neighborhood": "neighborhood neighbourhood nbhd nbrhd neigh hood",
    "subdivision": "subdivision subdiv subd",
    "style": "style styl",
    "architecture": "architecture arch architectural",
}
_PLAIN = """
of at in the per a is to and for with sold consideration just true fair estimated net gross ground
above grade adjusted actual legal district school zone zoning zip4
plus gis map geo key lot land list lead scraped extract extracted export exported snapshot as
updated update run report file data unique object fid row case instrument book page reference source
url notes note comment garage basement bsmt exempt exemption improvement impr taxable taxing strap
schedule assessor distress status category lien lis pendens foreclosure violation purchase number1 x
y point centroid balance open base dwelling ease ment commercial stories rooms count cluster contact
phone email second middle time class tract census current present final roll tenant usage dwell
house mailing
"""
_CANONICAL = {variant: word for word, variants in _WORDS.items() for variant in variants.split()}
_VOCABULARY = frozenset({*_CANONICAL, *_PLAIN.split()})


@cache
def plain_words(header: str) -> str:
    """The header in canonical lower-case words, e.g. `SITUSADDR1` to `situs address 1`."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", header)
    spaced = re.sub(r"(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])", " ", spaced.replace("#", " number "))
    words: list[str] = []
    for token in re.findall(r"[a-z]+|\d+", spaced.lower()):
        words += _segments(token)
    text = " ".join(_CANONICAL.get(word, word) for word in words)
    text = re.sub(r"\bsquare (?:feet|sqft)\b|\bsquare area\b", "sqft", text)
    return re.sub(r"\b(\w+)( \1)+\b", r"\1", text)


@cache
def _segments(token: str) -> tuple[str, ...]:
    """A glued token as known words, fewest first; the token itself where it cannot be cut so."""
    if token in _VOCABULARY or len(token) < 5 or token.isdigit():
        return (token,)
    best: list[tuple[str, ...] | None] = [(), *[None] * len(token)]
    for end in range(2, len(token) + 1):
        for start in range(end - 1):
            before = best[start]
            piece = token[start:end]
            if before is not None and piece in _VOCABULARY:
                cut = (*before, piece)
                present = best[end]
                if present is None or len(cut) < len(present):
                    best[end] = cut
    return best[len(token)] or (token,)
