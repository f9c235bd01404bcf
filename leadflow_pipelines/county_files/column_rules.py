"""What a header may mean: patterns over plain words. Here: data. Not here: deciding (`propose_mapping`).

A rule's goal is a target, or a part of one written `target:part`; parts are put together by `assemble_columns`.
Weights say how sure the words alone make us, before the column's values have been looked at.
"""

import re
from dataclasses import dataclass

_SHORTHAND = {
    "<acres>": r"deed|deeded|calculated|calc|gis|total|land|lot|legal|parcel|tax|assessed|area|size",
    "<situs>?": r"(?:(?:(?:property|situs|full) )+)?",
    "<situs>": r"(?:(?:property|situs|full) )+",
    "<mail>": r"(?:owner|mailing|taxpayer|tax)(?: (?:owner|mailing|taxpayer|tax))* ",
    "<valued>": r"(?:(?:total|current|full|fair|estimated|just) )*",
    "<last>": r"(?:(?:last|recent|most|total|adjusted) )*",
}

# goal, weight, whether the words fit the situs as well as the owner's mail, patterns of the whole header
_TABLE: tuple[tuple[str, float, bool, tuple[str, ...]], ...] = (
    ("address", 1.0, False, (
        r"<situs>(?:street )?address(?: full)?(?: line)?(?: 1)?",
        r"address (?:property|situs)",
        r"parcel address",
        r"address of property",
        r"<situs>street",
    )),
    ("address", 0.75, False, (
        r"situs",
        r"property situs",
        r"street address(?: line)?(?: 1)?",
    )),
    ("address", 0.9, True, (r"(?:full )?address(?: full)?(?: line)?(?: 1)?",)),
    ("address:2", 0.7, False, (r"<situs>address(?: line)? 2",)),
    ("address:place", 0.8, False, (
        r"<situs>city state(?: zip)?(?: code)?",
        r"city state zip(?: code)?",
    )),
    ("street:number", 0.9, False, (
        r"<situs>?(?:house|street|st|address)(?: house)? number(?: 1)?",
        r"<situs>number",
        r"house number low",
    )),
    ("street:direction", 0.8, False, (
        r"<situs>?(?:street |st |house |address )?(?:prefix )?direction(?: prefix| pre)?",
        r"<situs>?(?:street |st )prefix(?: direction)?",
    )),
    ("street:name", 0.9, False, (
        r"<situs>?(?:street|st)(?: name)",
        r"<situs>street",
        r"street",
        r"address street",
    )),
    ("street:suffix", 0.8, False, (
        r"<situs>?(?:street |st |address )(?:suffix|type)(?: code)?",
        r"<situs>suffix",
        r"suffix",
    )),
    ("street:post", 0.7, False, (
        r"<situs>?(?:street |st )?(?:post|suffix) direction",
        r"<situs>?(?:street |st )?direction (?:post|suffix)",
    )),
    ("unit", 0.9, False, (
        r"<situs>?(?:street |st |address )?(?:unit|apartment|suite)(?: number| id| suite| apartment)?",
        r"<situs>(?:unit|apartment) number",
    )),
    ("city", 1.0, False, (r"<situs>(?:address )?city(?: name)?",)),
    ("city", 0.85, True, (r"city(?: name)?(?: 2)?",)),
    ("mailing_city", 1.0, False, (r"<mail>(?:address )?city(?: name)?",)),
    ("state", 1.0, False, (r"<situs>(?:address )?state(?: code)?",)),
    ("state", 0.85, True, (r"state(?: code)?(?: 2)?",)),
    ("mailing_state", 1.0, False, (r"<mail>(?:address )?state(?: code)?",)),
    ("zip", 1.0, False, (r"<situs>(?:address )?zip(?: code)?(?: 5| 1)?",)),
    ("zip", 0.85, True, (r"zip(?: code)?(?: 5| 1| 2)?",)),
    ("mailing_zip", 1.0, False, (r"<mail>(?:address )?zip(?: code)?(?: 5| 1)?",)),
    ("state", 0.6, True, (r"st",)),
    ("mailing_state", 0.8, False, (r"<mail>(?:address )?st",)),
    ("mailing:1", 1.0, False, (
        r"<mail>(?:street )?address(?: full)?(?: line)?(?: 1)?",
        r"<mail>street",
        r"mailing",
        r"address mailing",
        r"address (?:owner|mailing) 1",
        r"<mail>line 1",
    )),
    ("mailing:again", 0.7, False, (r"address 2",)),
    ("mailing:2", 0.8, False, (r"<mail>(?:street )?address(?: line)? [23]",)),
    ("mailing:unit", 0.7, False, (r"<mail>(?:unit|apartment|suite)(?: number)?",)),
    ("mailing:place", 0.9, False, (r"<mail>(?:address )?city state(?: zip)?(?: code)?",)),
    ("mailing:number", 0.8, False, (r"<mail>(?:house|street|st|address)? ?number",)),
    ("mailing:name", 0.8, False, (r"<mail>(?:street|st) name",)),
    ("parcel_number", 1.0, False, (
        r"(?:assessor )?parcelid(?: number| id)?",
        r"(?:assessor )?parcel(?: tax)? (?:number|id|id number|parcelid)",
        r"tax parcel(?: id| number)?",
        r"map parcel",
        r"parcel identification number",
    )),
    ("parcel_number", 0.85, False, (
        r"parcel",
        r"strap",
        r"tax map(?: number| id)?",
        r"tax (?:id|key)(?: number)?",
        r"geo id",
        r"gis parcel(?: id)?",
        r"schedule number",
        r"parcel account(?: number)?",
        r"key parcel",
        r"map block lot",
    )),
    ("parcel_number", 0.6, False, (
        r"(?:property |tax )?account(?: number| id)?",
        r"property (?:id|number)(?: number)?",
        r"gis (?:id|key)",
        r"property key",
    )),
    ("parcel:borough", 0.9, False, (r"borough(?: code)?",)),
    ("parcel:block", 0.8, False, (r"(?:tax )?block(?: number)?",)),
    ("parcel:lot", 0.8, False, (r"(?:tax )?lot(?: number)?",)),
    ("source_record_id", 0.7, False, (
        r"(?:unique|record|row|sale|transaction) (?:id|number)",
        r"(?:case|file) number",
        r"instrument number",
    )),
    ("owner_name", 1.0, False, (
        r"owner(?: full)? name(?: full)?(?: 1)?",
        r"owner(?: 1)?",
        r"name of owner",
        r"(?:current |primary |legal )owner(?: name)?(?: 1)?",
        r"owner 1 name",
        r"owner 1 full name",
    )),
    ("owner_name", 0.6, False, (
        r"(?:grantee|taxpayer)(?: name)?(?: 1)?",
        r"name",
        r"deed owner(?: name)?",
        r"deed name",
    )),
    ("owner:2", 0.8, False, (
        r"owner(?: full)? name 2",
        r"owner 2(?: name)?",
        r"(?:second|secondary) owner(?: name)?",
        r"care owner(?: name)?",
    )),
    ("owner:first", 0.8, False, (
        r"owner(?: 1)? first(?: name)?(?: 1)?",
        r"first name",
    )),
    ("owner:last", 0.8, False, (
        r"owner(?: 1)? (?:last|surname)(?: name)?(?: 1)?",
        r"(?:last|surname) name",
        r"surname",
    )),
    ("is_owner_occupied", 0.9, False, (
        r"owner occupied(?: flag)?",
        r"homestead(?: exemption| exempt)?(?: flag)?",
    )),
    ("is_vacant", 0.9, False, (
        r"vacant(?: flag| building| property| house)?",
        r"property vacant(?: flag)?",
    )),
    ("land_use", 1.0, False, (
        r"(?:property |parcel )?(?:land )?use(?: code)? description",
        r"land use(?: type| category)?",
        r"property (?:type|class|use)(?: description)?",
        r"building class category",
        r"class description",
    )),
    ("land_use", 0.8, False, (
        r"(?:land |property )?use code",
        r"(?:property |land )?class(?: code)?",
        r"land use code",
        r"building (?:class|type|use)(?: at time of sale| at present)?",
        r"(?:land )?use",
        r"dor code",
    )),
    ("style", 0.9, False, (
        r"(?:building |house |residential |architecture )?style(?: description)?",
        r"(?:building|house|residential) type description",
        r"architecture(?: style)?",
    )),
    ("neighborhood", 0.9, False, (r"(?:market )?neighborhood(?: (?:name|description))?", r"market area(?: name)?")),
    ("neighborhood", 0.8, False, (r"(?:neighborhood|market area) (?:code|number|id)",)),
    ("neighborhood", 0.6, False, (r"subdivision(?: name| description)?",)),
    ("year_built", 1.0, False, (
        r"(?:actual )?year built(?: actual)?",
        r"built year",
        r"(?:building )?year of (?:built|building)",
        r"building year(?: built)?",
        r"year (?:building|residential) built",
    )),
    ("year_built", 0.5, False, (
        r"effective year(?: built)?",
        r"year built effective",
    )),
    ("living_sqft", 1.0, False, (
        r"(?:total )?(?:living|heated|finished) (?:area|sqft|size)(?: sqft)?(?: total)?",
        r"sqft (?:living|heated|finished)",
        r"(?:total )?(?:finished|living) area sqft",
        r"residential (?:sqft|area)",
    )),
    ("living_sqft", 0.85, False, (
        r"(?:gross |total )*(?:building )?(?:sqft|area sqft)",
        r"building (?:sqft|area|size)(?: sqft)?",
        r"gross (?:building )?(?:area|sqft)",
        r"living",
        r"sqft (?:building|total)",
        r"total (?:building )?area",
    )),
    ("lot_sqft", 1.0, False, (
        r"(?:land|lot|parcel) (?:sqft|area sqft|size sqft|size in sqft)",
        r"sqft (?:land|lot)",
        r"(?:land|lot) area sqft",
    )),
    ("lot_sqft", 0.8, False, (r"(?:land|lot) (?:size|area)",)),
    ("lot:acres", 0.95, False, (r"(?:(?:<acres>) )*acres(?: (?:<acres>))?",)),
    ("beds", 1.0, False, (r"(?:(?:number|total|count) (?:of )?)?bedroom(?: number| count| total)?",)),
    ("baths", 0.9, False, (
        r"(?:(?:number|total|count) (?:of )?)?bath(?: number| count| total)?",
        r"bath (?:full|total) half",
    )),
    ("bath:full", 0.9, False, (
        r"(?:number (?:of )?)?full bath(?: number| count)?",
        r"bath full",
    )),
    ("bath:half", 0.9, False, (
        r"(?:number (?:of )?)?half bath(?: number| count)?",
        r"bath half",
    )),
    ("units", 1.0, False, (
        r"(?:total |number (?:of )?)(?:living |dwelling |residential |building )?(?:units|unit)",
        r"units total",
        r"(?:unit|units) count",
    )),
    ("units", 0.7, False, (r"(?:living |dwelling |residential )?units",)),
    ("assessed_cents", 1.0, False, (
        r"(?:total |current |net )*assessed(?: total)?(?: value| amount)?(?: total)?",
        r"total assessed (?:value|amount)",
        r"assessed value (?:total|current)",
    )),
    ("market_value_cents", 1.0, False, (
        r"<valued>(?:market|appraised|just|true)(?: total)?(?: cash)?(?: value| amount)(?: total| current)?",
        r"(?:total )?appraised(?: total)?",
        r"fmv",
        r"total (?:market|appraised) value",
        r"just value",
        r"estimated value",
    )),
    ("value:total", 0.6, False, (
        r"total (?:property |parcel )?value",
        r"value total",
        r"(?:property|parcel) value(?: total)?",
        r"value",
    )),
    ("mortgage_cents", 0.9, False, (
        r"(?:open |total |first )*(?:mortgage|loan)(?: 1)? (?:amount|balance)",
        r"(?:mortgage|loan) open balance",
    )),
    ("mortgage_date", 0.9, False, (
        r"(?:open |last |first |current )*(?:mortgage|loan)(?: 1)?(?: open)? (?:recorded )?date(?: recorded)?(?: 1)?",
        r"(?:mortgage|loan) origination date",
        r"date of (?:mortgage|loan)",
        r"open (?:mortgage|loan|lien) (?:recorded )?date",
    )),
    ("sale_date", 1.0, False, (
        r"<last>(?:sale|transfer) date(?: 1)?(?: last)?",
        r"date of (?:last )?sale",
        r"date sale",
        r"sale 1 date",
        r"date (?:of )?(?:last )?transfer",
    )),
    ("sale_date", 0.75, False, (
        r"<last>deed (?:transfer )?date",
        r"(?:deed )?recorded date",
        r"date recorded",
        r"document date",
        r"closing date",
        r"close date",
    )),
    ("sale:year", 0.6, False, (
        r"(?:last )?sale year",
        r"year of sale",
    )),
    ("sale:month", 0.6, False, (r"(?:last )?sale month",)),
    ("sale:day", 0.6, False, (r"(?:last )?sale day",)),
    ("sale_price_cents", 1.0, False, (
        r"<last>(?:sale|transfer|purchase|deed|deed sale) (?:price|amount|value|consideration)(?: 1)?",
        r"(?:sale )?consideration(?: amount| value)?",
        r"sale 1 (?:price|amount)",
        r"price paid",
    )),
    ("sale_price_cents", 0.7, False, (r"price",)),
    ("lat", 1.0, False, (
        r"(?:situs |property |centroid )?latitude",
        r"y latitude",
        r"latitude y",
    )),
    ("lon", 1.0, False, (
        r"(?:situs |property |centroid )?longitude",
        r"x longitude",
        r"longitude x",
    )),
    ("lat", 0.5, False, (r"(?:point |centroid |coordinate )?y(?: coordinate)?",)),
    ("lon", 0.5, False, (r"(?:point |centroid |coordinate )?x(?: coordinate)?",)),
    ("county_fips", 0.9, False, (
        r"(?:county )?fips(?: code)?(?: county)?",
        r"county fips(?: code)?",
    )),
    ("county:name", 0.8, False, (
        r"county(?: name)?",
        r"(?:property|situs) county(?: name)?",
    )),
    ("list_codes", 0.9, False, (
        r"(?:record|list|lead|distress|notice)(?: name)? type",
        r"list(?: name)?",
        r"distress",
        r"lead source",
    )),
    ("observed_at", 0.8, False, (
        r"(?:scraped|extract|extracted|export|exported|snapshot|data|report|run|file) date",
        r"as of(?: date)?",
        r"(?:last )?(?:updated|update)(?: date)?",
        r"date (?:updated|extracted|exported|scraped)",
        r"last updated(?: date)?",
    )),
)  # fmt: skip


@dataclass(frozen=True)
class HeaderRule:
    """Words that name a goal. is_generic: the words fit the situs as well as the mailing address."""

    goal: str
    pattern: re.Pattern[str]
    weight: float
    is_generic: bool = False


def _compiled(pattern: str) -> re.Pattern[str]:
    for short, meaning in _SHORTHAND.items():
        pattern = pattern.replace(short, meaning)
    return re.compile(rf"^(?:{pattern})$")


RULES = tuple(
    HeaderRule(goal, _compiled(pattern), weight, is_generic)
    for goal, weight, is_generic, patterns in _TABLE
    for pattern in patterns
)

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
