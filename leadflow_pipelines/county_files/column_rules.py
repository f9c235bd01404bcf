"""What a header may mean: patterns over plain words, most telling first. Here: data. Not here: deciding.

A rule's goal is a target, or a part of one written `target:part`; parts are put together by `assemble_columns`.
Weights say how sure the words alone make us, before the column's values have been looked at.
"""

import re
from dataclasses import dataclass

_SITUS = r"(?:(?:property|situs|full) )+"
_MAIL = r"(?:(?:owner|mailing|taxpayer|tax)(?: (?:owner|mailing|taxpayer))* )"
_LAST = r"(?:(?:last|recent|most|total|adjusted) )*"


@dataclass(frozen=True)
class HeaderRule:
    """Words that name a goal. is_generic: the words fit the situs as well as the mailing address."""

    goal: str
    pattern: re.Pattern[str]
    weight: float
    is_generic: bool = False


def _rules() -> tuple[HeaderRule, ...]:
    rules: list[HeaderRule] = []

    def say(goal: str, weight: float, *patterns: str, generic: bool = False) -> None:
        rules.extend(HeaderRule(goal, re.compile(f"^(?:{pattern})$"), weight, generic) for pattern in patterns)

    say("address", 1.0, rf"{_SITUS}(?:street )?address(?: full)?(?: line)?(?: 1)?", rf"address {_SITUS[:-1]}?(?:property|situs)",
        r"parcel address", r"address of property", r"{0}street".format("(?:property|situs) "))
    say("address", 0.75, r"situs", r"property situs", r"street address(?: line)?(?: 1)?")
    say("address", 0.9, r"(?:full )?address(?: full)?(?: line)?(?: 1)?", generic=True)
    say("address:2", 0.7, rf"{_SITUS}address(?: line)? 2")
    say("address:place", 0.8, rf"{_SITUS}city state(?: zip)?(?: code)?", r"city state zip(?: code)?")
    say("street:number", 0.9, rf"(?:{_SITUS})?(?:house|street|st|address)(?: house)? number(?: 1)?", rf"{_SITUS}number", r"house number low")
    say("street:direction", 0.8, rf"(?:{_SITUS})?(?:street |st |house |address )?(?:prefix )?direction(?: prefix| pre)?", rf"(?:{_SITUS})?(?:street |st )prefix(?: direction)?")
    say("street:name", 0.9, rf"(?:{_SITUS})?(?:street|st)(?: name)", rf"{_SITUS}street", r"street", r"address street")
    say("street:suffix", 0.8, rf"(?:{_SITUS})?(?:street |st |address )(?:suffix|type)(?: code)?", rf"{_SITUS}suffix", r"suffix")
    say("street:post", 0.7, rf"(?:{_SITUS})?(?:street |st )?(?:post|suffix) direction", rf"(?:{_SITUS})?(?:street |st )?direction (?:post|suffix)")
    say("unit", 0.9, rf"(?:{_SITUS})?(?:street |st |address )?(?:unit|apartment|suite)(?: number| id| suite| apartment)?", rf"{_SITUS}(?:unit|apartment) number")
    for part, words in (("city", r"city(?: name)?"), ("state", r"state(?: code)?"), ("zip", r"zip(?: code)?(?: 5| 1)?")):
        say(part, 1.0, rf"{_SITUS}(?:address )?{words}")
        say(part, 0.85, words, generic=True)
        say(f"mailing_{part}", 1.0, rf"{_MAIL}(?:address )?{words}")
    say("state", 0.6, r"st", generic=True)
    say("mailing_state", 0.8, rf"{_MAIL}(?:address )?st")
    say("mailing:1", 1.0, rf"{_MAIL}(?:street )?address(?: full)?(?: line)?(?: 1)?", rf"{_MAIL}street", r"mailing", r"address mailing", r"address (?:owner|mailing) 1", rf"{_MAIL}line 1")
    say("mailing:2", 0.8, rf"{_MAIL}(?:street )?address(?: line)? [23]")
    say("mailing:unit", 0.7, rf"{_MAIL}(?:unit|apartment|suite)(?: number)?")
    say("mailing:place", 0.9, rf"{_MAIL}(?:address )?city state(?: zip)?(?: code)?")
    say("mailing:number", 0.8, rf"{_MAIL}(?:house|street|st|address)? ?number")
    say("mailing:name", 0.8, rf"{_MAIL}(?:street|st) name")
    say("parcel_number", 1.0, r"(?:assessor )?parcelid(?: number| id)?", r"(?:assessor )?parcel(?: tax)? (?:number|id|id number|parcelid)", r"tax parcel(?: id| number)?", r"map parcel", r"parcel identification number")
    say("parcel_number", 0.85, r"parcel", r"strap", r"tax map(?: number| id)?", r"tax (?:id|key)(?: number)?", r"geo id", r"gis parcel(?: id)?", r"schedule number", r"parcel account(?: number)?", r"key parcel", r"map block lot")
    say("parcel_number", 0.6, r"(?:property |tax )?account(?: number| id)?", r"property (?:id|number)(?: number)?", r"gis (?:id|key)", r"property key")
    say("parcel:borough", 0.9, r"borough(?: code)?")
    say("parcel:block", 0.8, r"(?:tax )?block(?: number)?")
    say("parcel:lot", 0.8, r"(?:tax )?lot(?: number)?")
    say("source_record_id", 0.7, r"(?:unique|record|row|sale|transaction) (?:id|number)", r"(?:case|file) number", r"instrument number")
    say("owner_name", 1.0, r"owner(?: full)? name(?: full)?(?: 1)?", r"owner(?: 1)?", r"name of owner", r"(?:current |primary |legal )owner(?: name)?(?: 1)?", r"owner 1 name", r"owner 1 full name")
    say("owner_name", 0.6, r"(?:grantee|taxpayer)(?: name)?(?: 1)?", r"name", r"deed owner(?: name)?", r"deed name")
    say("owner:2", 0.8, r"owner(?: full)? name 2", r"owner 2(?: name)?", r"(?:second|secondary) owner(?: name)?", r"care owner(?: name)?")
    say("owner:first", 0.8, r"owner(?: 1)? first(?: name)?(?: 1)?", r"first name")
    say("owner:last", 0.8, r"owner(?: 1)? (?:last|surname)(?: name)?(?: 1)?", r"(?:last|surname) name", r"surname")
    say("is_owner_occupied", 0.9, r"owner occupied(?: flag)?", r"homestead(?: exemption| exempt)?(?: flag)?")
    say("is_vacant", 0.9, r"vacant(?: flag| building| property| house)?", r"property vacant(?: flag)?")
    say("land_use", 1.0, r"(?:property |parcel )?(?:land )?use(?: code)? description", r"land use(?: type| category)?", r"property (?:type|class|use)(?: description)?", r"building class category", r"class description")
    say("land_use", 0.8, r"(?:land |property )?use code", r"(?:property |land )?class(?: code)?", r"land use code", r"building (?:class|type|use)(?: at time of sale| at present)?", r"(?:land )?use", r"dor code")
    say("year_built", 1.0, r"(?:actual )?year built(?: actual)?", r"built year", r"(?:building )?year of (?:built|building)", r"building year(?: built)?", r"year (?:building|residential) built")
    say("year_built", 0.5, r"effective year(?: built)?", r"year built effective")
    say("living_sqft", 1.0, r"(?:total )?(?:living|heated|finished) (?:area|sqft|size)(?: sqft)?(?: total)?", r"sqft (?:living|heated|finished)", r"(?:total )?(?:finished|living) area sqft", r"residential (?:sqft|area)")
    say("living_sqft", 0.85, r"(?:gross |total )*(?:building )?(?:sqft|area sqft)", r"building (?:sqft|area|size)(?: sqft)?", r"gross (?:building )?(?:area|sqft)", r"sqft (?:building|total)", r"total (?:building )?area")
    say("lot_sqft", 1.0, r"(?:land|lot|parcel) (?:sqft|area sqft|size sqft|size in sqft)", r"sqft (?:land|lot)", r"(?:land|lot) area sqft")
    say("lot_sqft", 0.8, r"(?:land|lot) (?:size|area)")
    say("lot:acres", 0.95, r"(?:(?:deed|deeded|calculated|calc|gis|total|land|lot|legal|parcel|tax|assessed|area|size) )*acres(?: (?:deed|calculated|calc|gis|total|land|lot))?")
    say("beds", 1.0, r"(?:(?:number|total|count) (?:of )?)?bedroom(?: number| count| total)?")
    say("baths", 0.9, r"(?:(?:number|total|count) (?:of )?)?bath(?: number| count| total)?", r"bath (?:full|total) half")
    say("bath:full", 0.9, r"(?:number (?:of )?)?full bath(?: number| count)?", r"bath full")
    say("bath:half", 0.9, r"(?:number (?:of )?)?half bath(?: number| count)?", r"bath half")
    say("units", 1.0, r"(?:total |number (?:of )?)(?:living |dwelling |residential |building )?(?:units|unit)", r"units total", r"(?:unit|units) count")
    say("units", 0.7, r"(?:living |dwelling |residential )?units")
    say("assessed_cents", 1.0, r"(?:total |current |net )*assessed(?: total)?(?: value| amount)?(?: total)?", r"total assessed (?:value|amount)", r"assessed value (?:total|current)")
    say("market_value_cents", 1.0, r"(?:total |current |full |fair |estimated |just )*(?:market|appraised|just|true)(?: total)?(?: cash)?(?: value| amount)(?: total| current)?", r"(?:total )?appraised(?: total)?", r"fmv", r"total (?:market|appraised) value", r"just value", r"estimated value")
    say("value:total", 0.6, r"total (?:property |parcel )?value", r"value total", r"(?:property|parcel) value(?: total)?", r"value")
    say("mortgage_cents", 0.9, r"(?:open |total |first )*(?:mortgage|loan)(?: 1)? (?:amount|balance)", r"(?:mortgage|loan) open balance")
    say("sale_date", 1.0, rf"{_LAST}(?:sale|transfer) date(?: 1)?(?: last)?", r"date of (?:last )?sale", r"date sale", r"sale 1 date", r"date (?:of )?(?:last )?transfer")
    say("sale_date", 0.75, rf"{_LAST}deed (?:transfer )?date", r"(?:deed )?recorded date", r"date recorded", r"document date", r"closing date", r"close date")
    say("sale:year", 0.6, r"(?:last )?sale year", r"year of sale")
    say("sale:month", 0.6, r"(?:last )?sale month")
    say("sale:day", 0.6, r"(?:last )?sale day")
    say("sale_price_cents", 1.0, rf"{_LAST}(?:sale|transfer|purchase|deed|deed sale) (?:price|amount|value|consideration)(?: 1)?", r"(?:sale )?consideration(?: amount| value)?", r"sale 1 (?:price|amount)", r"price paid")
    say("sale_price_cents", 0.7, r"price")
    say("lat", 1.0, r"(?:situs |property |centroid )?latitude", r"y latitude", r"latitude y")
    say("lon", 1.0, r"(?:situs |property |centroid )?longitude", r"x longitude", r"longitude x")
    say("lat", 0.5, r"(?:point |centroid |coordinate )?y(?: coordinate)?")
    say("lon", 0.5, r"(?:point |centroid |coordinate )?x(?: coordinate)?")
    say("county_fips", 0.9, r"(?:county )?fips(?: code)?(?: county)?", r"county fips(?: code)?")
    say("county:name", 0.8, r"county(?: name)?", r"(?:property|situs) county(?: name)?")
    say("list_codes", 0.9, r"(?:record|list|lead|distress|notice)(?: name)? type", r"list(?: name)?", r"distress", r"lead source")
    say("observed_at", 0.8, r"(?:scraped|extract|extracted|export|exported|snapshot|data|report|run|file) date", r"as of(?: date)?", r"(?:last )?(?:updated|update)(?: date)?", r"date (?:updated|extracted|exported|scraped)", r"last updated(?: date)?")
    return tuple(rules)  # fmt: skip


RULES = _rules()

NOT_THESE: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\bvacant\b.*\bsale\b|\bsale\b.*\bvacant\b"), "says how it stood at a sale, not how it stands"),
    (re.compile(r"\bprevious\b"), "speaks of an earlier owner or sale"),
    (re.compile(r"\bcluster\b"), "a grouping of owners, not the owner of record"),
)
"""Headers that look like a target and are none: pattern over the plain words, reason."""


def matching_rules(words: str) -> list[HeaderRule]:
    """The rules that fit a header's plain words, best weight first, one per goal."""
    best: dict[str, HeaderRule] = {}
    for rule in RULES:
        if rule.pattern.match(words) and (rule.goal not in best or rule.weight > best[rule.goal].weight):
            best[rule.goal] = rule
    return sorted(best.values(), key=lambda rule: -rule.weight)
