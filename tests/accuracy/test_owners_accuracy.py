"""Owners: a real roll's names rewritten in the styles of other sources keep their key, and no two owners share one.

The names come from the folder that LEADFLOW_TEST_DATA names and are never printed; kinds are judged on invented names,
labelled by hand. Goes its own way to take names apart (`STYLED`): the parser's faults must not hide in the truth.
"""

from functools import cache
from pathlib import Path

import polars as pl
import pytest

from leadflow_pipelines.properties import normalize_addresses
from leadflow_pipelines.properties.link_owners import link_owners
from leadflow_pipelines.properties.owners import parse_owners
from leadflow_pipelines.settings import get_settings

STYLED = r"^([A-Z]{3,}), ([A-Z]{3,})(?: ([A-Z]))?(?: & ([A-Z]{3,})(?: ([A-Z]))?)?$"
"""LAST, FIRST M & SPOUSE M: here the comma leaves nothing to guess."""
NO_GIVEN_NAMES = ["INC", "LLC", "CORP", "LTD", "LLP", "TRUSTEE", "TRUSTEES", "TRS", "CITY", "THE"]
"""What may stand behind a comma and is nobody's given name."""
COMPANY = r"^([A-Z0-9 ]+), (LLC|INC|LP)$|^([A-Z0-9 ]+) (LLC|INC|LP)\.?$"


@pytest.fixture(scope="module")
def names() -> pl.Series:
    folder = get_settings().test_data
    if folder is None:
        pytest.skip("LEADFLOW_TEST_DATA is not set")
    return roll(folder)


@cache
def roll(folder: Path) -> pl.Series:
    file = folder / "nashville" / "sales_2013_2016.csv"
    names = pl.read_csv(file, columns=["OwnerName"], infer_schema=False)["OwnerName"]
    return names.drop_nulls().str.strip_chars().unique().sort()


def persons(names: pl.Series) -> pl.DataFrame:
    """last, first, middle, spouse, spouse_middle of the names that say plainly which word is which."""
    parts = names.str.extract_groups(STYLED).struct.rename_fields(
        ["last", "first", "middle", "spouse", "spouse_middle"]
    )
    people = parts.struct.unnest().filter(pl.col("last").is_not_null())
    return people.filter(~pl.any_horizontal(pl.col("first", "spouse").is_in(NO_GIVEN_NAMES).fill_null(value=False)))


def person(columns: tuple[str, ...], *, upper: bool = True) -> pl.Expr:
    said = pl.concat_str(columns, separator=" ", ignore_nulls=True)
    return said if upper else said.str.to_titlecase()


def share_alike(keys: pl.Series, others: pl.Series) -> float:
    """Share of the places at which both have the same key; a name without a key counts as missed."""
    return int((keys == others).sum()) / keys.len()


def styles(people: pl.DataFrame) -> dict[str, pl.Series]:
    """The same people as a county, a bare roll and a vendor write them."""
    one, spouse = ("first", "middle"), ("spouse", "spouse_middle")
    has_spouse = pl.col("spouse").is_not_null()

    def couple(before: pl.Expr, between: str) -> pl.Expr:
        return pl.when(has_spouse).then(pl.concat_str(before, pl.lit(between), person(spouse))).otherwise(before)

    bare = pl.concat_str("last", pl.lit(" "), person(one))
    comma = pl.concat_str("last", pl.lit(", "), person(one))
    vendor_one = person((*one, "last"), upper=False)
    vendor_two = pl.concat_str(
        person(one, upper=False), pl.lit(" & "), person((*spouse, "last"), upper=False), separator=""
    )
    written = {
        "county": couple(comma, " & "),
        "et_ux": couple(bare, " ETUX "),
        "et_ux_apart": couple(bare, " ET UX "),
        "bare_and": couple(bare, " AND "),
        "et_al": pl.concat_str(couple(comma, " & "), pl.lit(" ET AL")),
        "life_estate": pl.concat_str(couple(comma, " & "), pl.lit(" (LIFE ESTATE)")),
        "care_of": pl.concat_str(couple(comma, " & "), pl.lit(" C/O MARY SAMPLETON")),
        "vendor": pl.when(has_spouse).then(vendor_two).otherwise(vendor_one),
    }
    return {style: people.select(name.alias("name"))["name"] for style, name in written.items()}


PERSON_FLOORS = dict.fromkeys(("et_ux", "et_ux_apart", "bare_and", "et_al", "life_estate", "care_of", "vendor"), 0.998)
"""Reached: .9992 to 1; what is missed are surnames that are also words of companies, written last."""


@pytest.mark.parametrize("style", PERSON_FLOORS)
def test_persons_and_couples_keep_their_key_in_every_style(names: pl.Series, style: str) -> None:
    written = styles(persons(names))
    truth, key = (parse_owners(written[which])["owner_key"] for which in ("county", style))
    assert truth.len() > 5_000
    assert share_alike(truth, key) >= PERSON_FLOORS[style]


def test_one_owner_of_two_parcels_is_one_however_each_source_orders_the_name(names: pl.Series) -> None:
    """One parcel known from a roll, one from a vendor, in one table, as a run links them; no comma helps."""
    people = persons(names)
    written = styles(people)
    mail = pl.format("{} SAMPLE RD", pl.int_range(1, people.height + 1))
    parcels = pl.concat(
        people.select(
            pl.concat_str(pl.lit(style), pl.int_range(people.height)).alias("property_id"),
            written[style].alias("owner_name"), owner_source=pl.lit(style), mailing_street=mail,
            mailing_city=pl.lit("AUSTIN"), mailing_state=pl.lit("TX"), mailing_zip5=pl.lit("78704"), state=pl.lit("TX"),
        )
        for style in ("bare_and", "vendor")
    )  # fmt: skip
    ids = link_owners(parcels)["owner_id"]
    share = share_alike(ids.head(people.height), ids.tail(people.height))
    print(f"one owner in both sources: {share:.4f} of {people.height:,}")
    assert share >= 0.998
    assert ids.n_unique() >= people.height


def test_the_buyer_of_one_sale_has_one_key_in_two_files(names: pl.Series) -> None:
    """Two files tell of one sale of one address; where both name a body in the same words its key must be the same.

    The second file writes the name of the owner's whole portfolio, which is often another body's: those say nothing.
    """
    bought = same_sales().filter(pl.col("owner_type").is_in(["company", "trust"]))
    same_words = bought.filter(pl.col("words") == pl.col("other_words"))
    share = share_alike(same_words["owner_key"], same_words["other_owner_key"])
    agreeing = share_alike(bought["owner_key"], bought["other_owner_key"])
    print(f"same words, same key: {share:.4f} of {same_words.height}; any words: {agreeing:.4f} of {bought.height}")
    assert same_words.height > 100
    assert share >= 0.985
    other = bought.filter(pl.col("shared") == 0)
    assert share_alike(other["owner_key"], other["other_owner_key"]) <= 0.05


def same_sales() -> pl.DataFrame:
    """owner_type, owner_key and words of a sale's buyer, by the second file with `other_`, and how many words agree."""
    folder = get_settings().test_data
    assert folder is not None
    sales = pl.read_csv(folder / "nashville" / "sales_2013_2016.csv", infer_schema=False).select(
        sold=pl.col("SaleDate").str.to_date("%B %d, %Y", strict=False), name="OwnerName", address="PropertyAddress"
    )
    parcels = pl.read_csv(folder / "nashville" / "investor_parcels.csv.gz", infer_schema=False).select(
        sold=pl.col("sale_date").str.to_date("%d %b %Y", strict=False), name="owner_cluster_name", address="address"
    )
    days = sales.select("sold").join(parcels.select("sold"), on="sold", how="semi").drop_nulls().unique()
    one, other = (placed(frame.drop_nulls().join(days, on="sold", how="semi")) for frame in (sales, parcels))
    both = one.join(other.select(pl.all().name.prefix("other_")), left_on=["place", "sold"],
                    right_on=["other_place", "other_sold"]).unique(["place", "sold", "name"])  # fmt: skip
    return both.with_columns(shared=pl.col("words").list.set_intersection("other_words").list.len())


def placed(sales: pl.DataFrame) -> pl.DataFrame:
    """sold and place of each, its owner's type and key, and the words of the name."""
    part = sales["address"].str.split(",").list
    street = normalize_addresses(pl.DataFrame({"street": part.get(0)}))
    parts = ["house_number", "pre_directional", "street_name", "suffix", "unit_number"]
    place = street.select(pl.concat_str(pl.col(parts).fill_null(""), separator="|").alias("place"))
    words = pl.col("name").str.to_uppercase().str.replace_all(r"['.]", "").str.extract_all("[A-Z0-9]+")
    owners = parse_owners(sales["name"]).select("owner_type", "owner_key")
    frame = pl.concat([sales.select("sold", "name", words=words.list.sort()), place, owners], how="horizontal")
    return frame.filter(street["house_number"].is_not_null())


def test_a_trustee_is_one_however_he_is_titled(names: pl.Series) -> None:
    people = persons(names).filter(pl.col("spouse").is_null())
    county = people.select(pl.concat_str("last", pl.lit(", "), person(("first", "middle")))).to_series()
    keys = [parse_owners(county + title)["owner_key"] for title in (" TR", " TRUSTEE", ", TRUSTEE", " TRS")]
    for key in keys[1:]:
        assert share_alike(key, keys[0]) >= 0.99
    assert (keys[0] == parse_owners(county)["owner_key"]).sum() == 0


def test_companies_keep_their_key_in_every_style(names: pl.Series) -> None:
    parts = names.str.extract_groups(COMPANY).struct.rename_fields(["a", "fa", "b", "fb"]).struct.unnest()
    companies = parts.select(pl.coalesce("a", "b").alias("name"), pl.coalesce("fa", "fb").alias("form")).drop_nulls()
    assert companies.height > 500
    dotted = pl.col("form").str.replace_all(r"(.)", "${1}.").str.replace(r"I\.N\.C\.", "Inc.")
    spaced = pl.col("form").replace({"LLC": "L L C", "LP": "L P", "INC": "INCORPORATED"})
    written = companies.select(
        plain=pl.concat_str("name", pl.lit(" "), "form"),
        dotted=pl.concat_str(pl.col("name").str.to_titlecase(), pl.lit(", "), dotted),
        spaced=pl.concat_str("name", pl.lit(" "), spaced),
        article=pl.concat_str(pl.lit("THE "), "name", pl.lit(" "), "form"),
        care_of=pl.concat_str("name", pl.lit(" "), "form", pl.lit(" C/O MARY SAMPLETON")),
    )
    keys = {style: parse_owners(written[style])["owner_key"] for style in written.columns}
    for style, key in keys.items():
        assert share_alike(key, keys["plain"]) >= 0.995, style


def test_two_owners_do_not_share_a_key(names: pl.Series) -> None:
    """Changed on purpose, so that it is another owner: another given name, surname, generation or legal form."""
    people = persons(names).filter(pl.col("spouse").is_null() & pl.col("middle").is_null())
    people = people.with_columns(other=pl.col("first").shift(1), stranger=pl.col("last").shift(1)).drop_nulls(
        ["other", "stranger"]
    ).filter((pl.col("first") != pl.col("other")) & (pl.col("last") != pl.col("stranger")))  # fmt: skip
    own, *others = (
        parse_owners(people.select(pl.concat_str(text, separator="")).to_series())["owner_key"]
        for text in (
            ["last", pl.lit(", "), "first"],
            ["last", pl.lit(", "), "other"],
            ["stranger", pl.lit(", "), "first"],
            ["last", pl.lit(", "), "first", pl.lit(" JR")],
            ["last", pl.lit(", "), "first", pl.lit(" & "), "other"],
        )
    )
    for other in others:
        assert share_alike(own, other) <= 0.0005
    # And over the whole roll: as many keys as people, told apart without the parser.
    alone = people.select("last", "first").unique()
    keys = parse_owners(alone.select(pl.concat_str("first", pl.lit(" "), "last")).to_series().str.to_titlecase())
    assert keys["owner_key"].n_unique() >= 0.995 * alone.height


KINDS = {
    "person": [
        "EXAMPLE, PAT",
        "Pat Q. Example",
        "EXAMPLE PAT Q",
        "EXAMPLE PAT & SAM",
        "Pat and Sam Example",
        "EXAMPLE PAT ETUX",
        "EXAMPLE PAT ET VIR SAM",
        "SAMPLETON-EXAMPLE, MARY",
        "DE LA MUESTRA, JUAN",
        "O'SAMPLE, KERRY",
        "EXAMPLE, PAT JR",
        "EXAMPLE PAT 1/2 INT & SAMPLETON SAM 1/2 INT",
        "EXAMPLE, PAT (LIFE ESTATE)",
        "ESTATE OF PAT EXAMPLE",
        "EXAMPLE PAT HEIRS OF",
        "HOUSE, MARY",
        "BANKS, JOHN",
        "CHURCH, LINDA A",
        "LAND, ROBERT",
        "PARKS, DENISE",
        "CITY, CARLOS",
        "TRUSTY, MARY",
        "Linda Church",
        "JOHN BANKS",
        "STATE, JOHN",
        "MARY STORES",
        "BROTHERS, ROBERT",
        "PARTNER, JOHN",
        "DR. PAT EXAMPLE",
        "EXAMPLE PAT JT WROS",
        "EXAMPLE PAT ET AL",
    ],
    "company": [
        "EXAMPLE HOLDINGS LLC",
        "Example Holdings, L.L.C.",
        "EXAMPLE HOLDINGS L L C",
        "EXAMPLE & SONS INC",
        "SAMPLE BROTHERS CONSTRUCTION CO",
        "EXAMPLE PROPERTIES",
        "EXAMPLE REAL ESTATE PARTNERS LP",
        "BANK OF EXAMPLEVILLE",
        "EXAMPLE NATIONAL BANK",
        "EXAMPLE SAVINGS BANK FSB",
        "EXAMPLE TRUST COMPANY",
        "FIRST BAPTIST CHURCH OF SAMPLE",
        "EXAMPLE HOMEOWNERS ASSOCIATION",
        "EXAMPLE CONDOMINIUM ASSN INC",
        "THE EXAMPLE GROUP",
        "EXAMPLE INVESTMENTS GP",
        "EXAMPLE HOMES OF TENNESSEE",
        "12 QUILLFEATHER STREET LLC",
        "EXAMPLE VENTURES, LTD.",
        "EXAMPLE MORTGAGE CORP",
        "EXAMPLE DEVELOPMENT",
        "EXAMPLE FOUNDATION",
        "EXAMPLE UNIVERSITY",
        "SAMPLE ENTERPRISES",
        "EXAMPLE RENTALS",
    ],
    "trust": [
        "EXAMPLE FAMILY TRUST",
        "The Example Family Trust dated 3/4/2010",
        "EXAMPLE FAM TR",
        "EXAMPLE PAT TR",
        "EXAMPLE, PAT TRUSTEE",
        "PAT EXAMPLE, TTEE",
        "EXAMPLE PAT LIVING TRUST",
        "PAT Q EXAMPLE REVOCABLE TRUST U/A/D 1/2/03",
        "EXAMPLE BANK TRUSTEE",
        "EXAMPLE IRREVOCABLE TR",
        "EXAMPLE PAT & SAM CO-TRUSTEES",
        "TRUST NO 1234",
        "EXAMPLE PAT TRUSTEE OF THE EXAMPLE LAND TRUST",
    ],
    "public": [
        "CITY OF EXAMPLEVILLE",
        "EXAMPLEVILLE CITY OF",
        "COUNTY OF SAMPLE",
        "STATE OF TENNESSEE",
        "UNITED STATES OF AMERICA",
        "EXAMPLE COUNTY HOUSING AUTHORITY",
        "EXAMPLE SCHOOL DISTRICT",
        "METROPOLITAN GOVERNMENT OF EXAMPLEVILLE",
        "EXAMPLE COUNTY LAND BANK",
        "US DEPARTMENT OF EXAMPLES",
        "SECRETARY OF HUD",
        "EXAMPLE TRANSIT AUTHORITY",
        "EXAMPLE BOARD OF EDUCATION",
        "TOWN OF SAMPLE",
        "EXAMPLE WATER DISTRICT",
    ],
}
"""Labelled by hand, before the parser was asked, with surnames that are also words of companies."""


def test_kinds_of_owner_as_a_person_would_say() -> None:
    labelled = pl.DataFrame([(kind, name) for kind, names in KINDS.items() for name in names], schema=["kind", "name"],
                            orient="row")  # fmt: skip
    said = parse_owners(labelled["name"])["owner_type"]
    wrong = labelled.with_columns(said=said).filter(pl.col("kind") != pl.col("said"))
    assert wrong.height <= 0.03 * labelled.height, wrong.rows()
