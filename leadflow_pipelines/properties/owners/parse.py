"""Who owns: an owner's name as counties and vendors write it, read into kind, persons or entity, and one key.

Here: the kind, companies, trusts, estates, public bodies, the key. Not here: the reading of persons (`persons`),
the words (`words`), which parcels belong to one owner (`link_owners`).
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import polars as pl

from leadflow_pipelines.properties.addresses.lines import clean_text
from leadflow_pipelines.properties.owners import words
from leadflow_pipelines.properties.owners.persons import (
    PERSON_COLUMNS,
    SPOUSES,
    Convention,
    People,
    find_convention,
    read_persons,
    take_apart,
)

OWNER_COLUMNS = (
    "owner_type", "owner_form", "last_name", "first_name", "middle_name", "generation", "last_name_2", "first_name_2",
    "middle_name_2", "generation_2", "entity_name", "legal_form", "owner_key",
)  # fmt: skip
"""What `parse_owners` gives, all String."""

_CHUNK_NAMES = 100_000
"""Distinct names read at once: bounds memory, and gives each core its own share."""
OWNER_FORMS = ("person", "couple", "co_owners", "estate", "company", "trust", "public", "unknown")
_TYPES = {"couple": "person", "co_owners": "person", "estate": "person"}
"""owner_type of the forms whose type has another name: persons, or those who stand for one."""

_PUBLIC = (
    r"\b(?:CITY|TOWN|TOWNSHIP|VILLAGE|COUNTY|STATE|COMMONWEALTH|BOROUGH|PARISH) OF\b|"
    r"\b(?:CITY|TOWN|TOWNSHIP|VILLAGE|COUNTY|STATE) OF$|"
    r"\bUNITED STATES\b|^U ?S ?A$|\bHOUSING AUTH|\bSCHOOL DIST|\bBOARD OF EDUCATION\b|\bBD OF ED|"
    r"\bDEP(?:ARTMEN)?T OF\b|"
    r"\bMETRO(?:POLITAN)? GOV|\bLAND BANK\b|\bREDEVELOPMENT AUTH|\bTRANSIT AUTH|\bAIRPORT AUTH|\bPORT AUTH|\bHUD\b|"
    r"\b(?:COUNTY|CITY) GOV|\b(?:WATER|SEWER|UTILITY|FIRE|PARK) (?:AND SEWER )?DIST"
)
_TRUST = r"\bTRUST(?:EES?|S)?\b|\bTR(?:S|EES?)?$|\bTTEES?\b"
_SHORT_TRUST = r"\b(LIVING|LIV|FAMILY|FAM|REV(?:OCABLE)?|IRREV(?:OCABLE)?) TR\b"
_TRUST_COMPANY = r"\bTRUST (?:CO|COMPANY)\b"
_TRUSTEE = r"\b(?:AS )?(?:SUCCESSOR |SUCC )?(?:CO[- ]?)?(?:TRUSTEES?|TTEES?|TREES?|TRS?)\b"
_ESTATE = r"\bEST(?:ATE)? OF\b|\bEST$|\bESTATE$|\(EST(?:ATE)?\)|\bHEIRS?\b|\bDEC(?:EASE)?D\b"
_NO_ESTATE = r"\bREAL ESTATE\b|\bLIFE EST"
_ESTATE_WORDS = (
    r"\b(?:THE )?EST(?:ATE)? OF\b|\bEST(?:ATE)?$|"
    r"\b(?:UNKNOWN )?HEIRS?(?: (?:AND|&) (?:DEVISEES|ASSIGNS))?(?: AT LAW)?(?: OF)?\b|"
    r"\bDEC(?:EASE)?D\b|\b(?:ADMINISTRAT(?:OR|RIX)|EXECUT(?:OR|RIX)|PERS(?:ONAL)? REP(?:RESENTATIVE)?)\b.*$"
)
_SURNAME_AND_COMMA = r"^\p{L}[\p{L}-]*, ?\p{L}+(?: \p{L}+)?(?: ?&.*)?$"
_CARE_OF = r"(?:^| )(?:C/O|%|ATTN:?|CARE OF|IN CARE OF) ?\p{L}.*$"
_DATES = (
    r"\b\d+(?:\.\d+)? ?(?:%|PERCENT\b|PCT\b)(?: INT(?:EREST)?\b)?|\b\d{1,2}[/-]\d{1,2}[/-]\d{2,4}\b|"
    r"\b\d{1,4}/\d{1,4}\b(?: INT(?:EREST)?\b)?|\bUND(?:IV(?:IDED)?)?\b(?: INT(?:EREST)?\b)?|"
    r"\b(?:U/?[AT]/?D|U/[AW]|D[/ ]?T[/ ]?D|DATED)\b|"
    r"\b(?:JAN(?:UARY)?|FEB(?:RUARY)?|MAR(?:CH)?|APR(?:IL)?|MAY|JUNE?|JULY?|AUG(?:UST)?|SEPT?(?:EMBER)?|OCT(?:OBER)?|"
    r"NOV(?:EMBER)?|DEC(?:EMBER)?) \d{1,2},? ?\d{4}\b|[ ,]ET ?AL[S.]?\b|\( ?\)"
)
_NUMBERED = r"^(\d+)/(\d+) (\p{L})"
"""A company may be called 21/32 SAMPLE; a share stands behind the name."""
_TRUST_OF = r"\b(?:OF|UNDER|FOR)(?: THE)? (.*\bTRUST\b.*)$"
_UP_TO_TRUST = r"^(.*?\bTRUST(?: (?:NO |NUMBER )?[A-Z]?-?\d[A-Z0-9-]*)?)\b(.*)$"
_DROPPED_FROM_TRUSTS = r"\b(?:THE|OF|AGREEMENT|UNDER|AND)\b|&"
_HOMELAND = r"\b(LLC|INC|CORP|LP|LLP|LTD|CO) AN? (?:[A-Z]+ ){1,3}(?:LLC|INC|CORP|LP|LLP|LTD|CO|PARTNERSHIP)$"
_BODY_LAST = r"^(.*?),? (CITY|TOWN|TOWNSHIP|VILLAGE|COUNTY|STATE|BOROUGH) OF$"


def parse_owners(names: pl.Series) -> pl.DataFrame:
    """OWNER_COLUMNS for each name, in order; any string gives a row, what is absent is null.

    owner_form: person, couple (two persons of one surname, or said to be married), co_owners, estate, company, trust,
    public, unknown (nothing, or a placeholder such as CURRENT OWNER). owner_type is the same in the values that leads
    know: person, company, trust, public, unknown.
    last_name … generation_2: the first two persons, upper case, of persons, estates and trustees without a named trust.
    A hyphen inside a surname reads as a space. entity_name: companies, trusts and public bodies in canonical words.

    owner_key is one string for all ways to write one owner: order of surname and given names, order of the persons,
    case, points, ET AL/ETUX/ETVIR, JT, TIC, LIFE ESTATE, C/O and what follows it, dates and shares do not count. What
    counts, because it may be another person: a middle name against its initial or none, and JR, SR, II, III. What
    counts in companies: every word and the legal form; spaces, THE, AND and points do not (registrars of companies do
    not hold them to distinguish names). A trust's words count in any order. The key is a name's, not a person's: two
    people of one name have one key. `link_owners` decides with more evidence.

    Surname first or last, where no comma says so: see `read_persons`. It looks at the whole column where a name alone
    does not decide, so give it one source's names at a time where there is a choice (`parse_owners_by_source`).
    """
    distinct = names.unique()
    are_distinct = distinct.len() == names.len()
    distinct = names if are_distinct else distinct
    chunks = [distinct.slice(start, _CHUNK_NAMES) for start in range(0, max(distinct.len(), 1), _CHUNK_NAMES)]
    with ThreadPoolExecutor(pl.thread_pool_size()) as pool:
        begun = list(pool.map(_begin, chunks))
        convention = find_convention(pl.concat([chunk.people.votes for chunk in begun]))
        read = pl.concat(list(pool.map(lambda chunk: _finish(chunk, convention), begun)))
    if are_distinct:
        return read
    place = distinct.alias("name").to_frame().with_row_index("place")
    places = names.alias("name").to_frame().join(
        place, on="name", how="left", nulls_equal=True, maintain_order="left"
    )  # fmt: skip
    return read[places["place"]]


def parse_owners_by_source(names: pl.Series, sources: pl.Series) -> pl.DataFrame:
    """`parse_owners`, each source's names read by that source's own convention; a null source counts as one."""
    if sources.n_unique() <= 1:
        return parse_owners(names)
    rows = pl.DataFrame({"name": names, "source": sources}).with_row_index("row").partition_by("source")
    read = pl.concat([of_source.select("row").hstack(parse_owners(of_source["name"])) for of_source in rows])
    return read.sort("row").drop("row")


@dataclass(frozen=True)
class _Begun:
    """A chunk of names, read as far as one name alone can be."""

    text: pl.Series
    forms: pl.Series
    has_people: pl.Series
    people_text: pl.Series
    people: People


def _begin(names: pl.Series) -> _Begun:
    text = _clean(names)
    forms = _forms(text)
    is_trustee = (forms == "trust") & ~(text.str.contains(r"\bTRUST\b") | text.str.contains(words.company_pattern()))
    has_people = (forms.is_in(["person", "estate"]) | is_trustee).fill_null(value=False).arg_true()
    people_text = _people_text(text.gather(has_people), forms.gather(has_people))
    return _Begun(text, forms, has_people, people_text, take_apart(people_text))


def _finish(begun: _Begun, convention: Convention) -> pl.DataFrame:
    """OWNER_COLUMNS for a chunk, in its order."""
    persons = _persons(begun, convention)
    is_entity = begun.forms.is_in(["company", "trust", "public"])
    entities = is_entity.clone().scatter(begun.has_people, values=False).arg_true()
    named = _entities(begun.text.gather(entities), begun.forms.gather(entities)).with_columns(at=entities)
    read = pl.concat([persons, named], how="diagonal").filter(pl.col("owner_key").is_not_null())
    rest = (
        pl.int_range(begun.text.len(), dtype=pl.get_index_type(), eager=True)
        .to_frame("at")
        .join(read, on="at", how="anti")
    )
    every = pl.concat([read, rest], how="diagonal").sort("at").with_columns(pl.col("owner_form").fill_null("unknown"))
    return every.with_columns(owner_type=pl.col("owner_form").replace(_TYPES)).select(
        pl.col(name).cast(pl.String) for name in OWNER_COLUMNS
    )


def _clean(names: pl.Series) -> pl.Series:
    """Upper case, without points, marks, care-of; single spaces."""
    text = clean_text(names).str.replace_all(r"['.`´’]", "").str.replace_all(r'["*!?:_=<>\[\]{}|~^$@\\\x00-\x1f]', " ")
    text = words.rewrite(words.rewrite(text, _CARE_OF, ""), _SHORT_TRUST, "${1} TRUST")
    text = text.str.replace_all(r"  +", " ").str.replace_all(" ,", ",", literal=True).str.strip_chars(" ,;&/-+")
    return pl.select(pl.when(text.str.contains(r"\p{L}")).then(text)).to_series()


def _forms(text: pl.Series) -> pl.Series:
    """Public bodies go before trusts, trusts before companies ("Example Bank Trustee" is a trust), companies before
    estates ("Estate Homes LLC"); a name that fits none is a person's."""
    nobody = (text.is_null() | text.is_in(words.placeholders().implode())).fill_null(value=True)
    forms = pl.select(pl.when(nobody).then(pl.lit("unknown")).otherwise(pl.lit("person"))).to_series()
    # One look at each name, five at those that hold a telling word.
    telling = "|".join((_PUBLIC, _TRUST, words.legal_form_pattern(), words.company_pattern(), _ESTATE))
    where = (text.str.contains(telling) & ~nobody).fill_null(value=False).arg_true()
    name = pl.col("name")
    legal, bank = name.str.contains(words.legal_form_pattern()), name.str.contains(_TRUST_COMPANY)
    company = name.str.contains(words.company_pattern()) & ~name.str.contains(_SURNAME_AND_COMMA)
    trust = name.str.contains(_TRUST) & ~(bank & ~name.str.contains(r"\bT(?:RUS)?TEES?\b"))
    told = text.gather(where).to_frame("name").select(
        pl.when(name.str.contains(_PUBLIC)).then(pl.lit("public"))
        .when(trust).then(pl.lit("trust"))
        .when(legal | company | bank).then(pl.lit("company"))
        .when(name.str.contains(_ESTATE) & ~name.str.contains(_NO_ESTATE)).then(pl.lit("estate"))
        .otherwise(pl.lit("person"))
    ).to_series()  # fmt: skip
    return words.put(forms, where, told)


def _people_text(text: pl.Series, forms: pl.Series) -> pl.Series:
    """What names persons, without what says that they are dead or trustees."""
    text = words.rewrite(text, _DATES, " ")
    for form, pattern in (("estate", _ESTATE_WORDS), ("trust", _TRUSTEE)):
        where = (forms == form).arg_true()
        text = words.put(text, where, text.gather(where).str.replace_all(pattern, " "))
    return text


def _persons(begun: _Begun, convention: Convention) -> pl.DataFrame:
    """at (place in the chunk), owner_form, the persons' columns and owner_key, for the names that hold a person."""
    read = read_persons(begun.people, convention)
    row = read["row"]
    forms = begun.forms.gather(begun.has_people).gather(row)
    spouses = begun.people_text.str.contains(SPOUSES).gather(row)
    couple = ((pl.col("persons") == 2) & (pl.col("has_one_surname") | spouses)) | ((pl.col("persons") == 1) & spouses)
    names = {f"{part}{nth}": f"{part}{'' if part == 'generation' else '_name'}{nth}"
             for nth in ("", "_2") for part in PERSON_COLUMNS}  # fmt: skip
    return read.select(
        begun.has_people.gather(row).alias("at"),
        pl.when(forms != "person").then(forms).when(couple).then(pl.lit("couple"))
        .when(pl.col("persons") > 1).then(pl.lit("co_owners")).otherwise(pl.lit("person")).alias("owner_form"),
        *(pl.col(part).alias(name) for part, name in names.items()),
        owner_key=pl.concat_str(forms, pl.lit(":"), "key"),
    )  # fmt: skip


def _entities(text: pl.Series, forms: pl.Series) -> pl.DataFrame:
    """owner_form, entity_name, legal_form and owner_key of companies, trusts and public bodies."""
    companies = (forms == "company").arg_true()
    text = words.put(text, companies, words.rewrite(text.gather(companies), _NUMBERED, "${1} ${2} ${3}"))
    text = words.rewrite(words.rewrite(text, _DATES, " "), "&", " & ")
    text = words.rewrite(words.rewrite(text, r"[,;()#/+]|\s-|-\s", " "), r" {2,}", " ").str.strip_chars(" ")
    text = words.canonical_words(text)
    trusts, bodies = (forms == "trust").arg_true(), (forms == "public").arg_true()
    text = words.put(text, trusts, _trust_names(text.gather(trusts)))
    text = words.put(text, bodies, text.gather(bodies).str.replace(_BODY_LAST, "${2} OF ${1}"))
    text = words.rewrite(words.rewrite(text, _HOMELAND, "${1}"), r"^THE | THE$", "")
    key = words.rewrite(text, r"\bTHE\b|[^\p{L}\p{N}]", "")
    key = words.put(key, trusts, _in_any_order(text.gather(trusts))).alias("key")
    return pl.select(
        forms.alias("owner_form"),
        text.replace("", None).alias("entity_name"),
        text.str.extract(rf" ({'|'.join(words.legal_forms())})$", 1).alias("legal_form"),
        pl.when(key != "").then(pl.concat_str(forms, pl.lit(":"), key)).alias("owner_key"),
    )


def _trust_names(names: pl.Series) -> pl.Series:
    """Trusts by their own name, without trustees before (X TRUSTEE OF …) or after; two trusts keep both names."""
    where = names.str.contains(r"\bTRUST\b")
    trusts = names.filter(where)
    of_trustee = trusts.str.contains(_TRUSTEE).arg_true()
    led = trusts.gather(of_trustee)
    led = pl.select(pl.coalesce(led.str.extract(_TRUSTEE + r".*?" + _TRUST_OF, 1), led)).to_series()
    trusts = words.put(trusts, of_trustee, led)
    cut = trusts.str.extract_groups(_UP_TO_TRUST)
    first, behind = cut.struct.field("1"), cut.struct.field("2")
    alone = first.is_not_null() & ~behind.str.contains(r"\bTRUST\b")
    own = pl.select(pl.when(alone).then(first).otherwise(trusts)).to_series()
    bare = names.filter(~where).str.replace_all(_TRUSTEE, "").str.strip_chars(" ")
    return words.put(words.put(names, where.arg_true(), own), (~where).arg_true(), bare)


def _in_any_order(names: pl.Series) -> pl.Series:
    """The telling words of each name, sorted. (Sorting inside lists takes 16 µs a name, this 1 µs.)"""
    telling = words.rewrite(names, _DROPPED_FROM_TRUSTS, "").str.split(" ")
    rows = telling.alias("word").to_frame().with_row_index("row").explode("word", empty_as_null=True, keep_nulls=True)
    return rows.sort("row", "word").group_by("row", maintain_order=True).agg(
        pl.col("word").str.join(" ").str.strip_chars(" ")
    )["word"]  # fmt: skip
