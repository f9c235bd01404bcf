"""Figures of property identity, and which kinds of writing break it.

Here: measuring the key and the resolver on dialects, gold pairs and natural spellings, and printing all of it:
`python -m tests.accuracy.identity_report [parcels per city, 0: all]`. Not here: the floors (`test_identity_accuracy`).
Canonical keys stand in the examples, owners never do.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import polars as pl

from leadflow_pipelines.properties import normalize_addresses, one_line, resolve_properties
from leadflow_pipelines.properties.addresses.postal_tables import SUFFIXES, ordinal
from leadflow_pipelines.properties.addresses.tokens import vocabulary
from leadflow_pipelines.settings import get_settings
from tests.accuracy.dialects import Level, write_dialects
from tests.accuracy.invented_parcels import invented_parcels
from tests.accuracy.lookalikes import with_lookalikes
from tests.accuracy.pair_scores import PairScores, pair_scores
from tests.accuracy.parcels import (
    borough_block_lot,
    county_lines,
    nashville_parcels,
    quadrant_parcels,
    queens_parcels,
    queens_sales,
)

CITIES: dict[str, Callable[..., pl.DataFrame]] = {
    "nashville": nashville_parcels, "queens": queens_parcels, "quadrants": quadrant_parcels,
    "nationwide": invented_parcels,
}  # fmt: skip
"""Name to what makes its parcels of (data folder, size, seed)."""
GIVEN = (
    "record_id", "source", "address", "street", "unit", "city", "state", "zip", "parcel_number", "county_fips",
    "owner_name",
)  # fmt: skip
"""What the product is handed of a dialect record: never its truth, kind or changes."""


@dataclass(frozen=True)
class Measured:
    """Records with truth, kind, changes, address_key and `cluster` (what was predicted), and their scores."""

    records: pl.DataFrame
    scores: PairScores


def dialect_records(data: Path, city: str, level: Level, size: int | None, seed: int = 0) -> pl.DataFrame:
    """RECORD_COLUMNS of `size` real parcels of the city (all: None) and their lookalikes."""
    return write_dialects(with_lookalikes(CITIES[city](data, size, seed), seed), level, seed)


def by_key(records: pl.DataFrame) -> Measured:
    """Records of one address_key taken as one property."""
    keys = normalize_addresses(records.select(GIVEN))["address_key"]
    keyed = records.with_columns(keys, cluster=keys)
    return Measured(keyed, pair_scores(keyed["cluster"], keyed["truth"]))


def by_resolver(records: pl.DataFrame) -> Measured:
    """Records of one property_id; adds matched_by."""
    links = resolve_properties(records.select(GIVEN)).links.select("record_id", "matched_by", cluster="property_id")
    keys = normalize_addresses(records.select(GIVEN)).select("record_id", "address_key")
    linked = records.join(keys, on="record_id", maintain_order="left").join(
        links, on="record_id", maintain_order="left"
    )
    return Measured(linked, pair_scores(linked["cluster"], linked["truth"]))


def idempotence(records: pl.DataFrame) -> float:
    """Share of the keyed records whose canonical one-line form has the same key again."""
    parts = normalize_addresses(records.select(GIVEN)).filter(pl.col("address_key").is_not_null())
    again = normalize_addresses(parts.select(one_line().alias("address")))["address_key"]
    return float((again == parts["address_key"]).fill_null(value=False).sum()) / max(parts.height, 1)


def chicago_gold(data: Path) -> PairScores:
    """Labelled entities by address alone: the key without its place, which the file says of a few rows only."""
    gold = pl.read_csv(data / "entity_gold" / "chicago_sites_true_ids.csv", infer_schema=False)
    keys = normalize_addresses(gold.select(address="Address", city=pl.lit("Chicago"), state=pl.lit("IL")))
    street = keys["address_key"].str.replace(r"\|[^|]*$", "")
    return pair_scores(street, gold["True Id"])


def queens_spellings(data: Path) -> PairScores:
    """Natural variants of Queens lots: every distinct text under one lot and unit, both files, by address alone.

    Houses of one to three families: a co-operative's or a garden complex's lot is many addresses. What is left beyond
    reach: a corner house under both its streets, renamed streets, a neighbour's number (some 2 % of the pairs).
    """
    files = ("annual_2019.xlsx", "rolling_2019-11_2020-10.xlsx")
    is_house = pl.col("BUILDING CLASS CATEGORY").str.contains("^0[123] ")
    said = {"street": "ADDRESS", "unit": "APARTMENT NUMBER", "zip": "ZIP CODE", "lot": borough_block_lot()}
    rows = pl.concat(queens_sales(data / "queens" / file).filter(is_house).select(**said) for file in files).unique()
    keys = normalize_addresses(rows)
    truth = keys.select(pl.concat_str("lot", pl.lit("|"), pl.col("unit_number").fill_null(""))).to_series()
    return pair_scores(keys["address_key"], truth)


def parts_all_right(data: Path, city: str) -> tuple[float, pl.DataFrame]:
    """Share of the county's own lines in which every part is read as `parcels` reads it, and the lines that differ.

    Words inside a name are compared in the product's form of them (MT is MOUNT); which words are the name is not.
    """
    lines = county_lines(data, city)
    state = {"nashville": "TN", "queens": "NY"}[city]
    found = normalize_addresses(lines.select(address="written", zip="zip", state=pl.lit(state)))
    number = pl.col("name").str.extract(r"(?:^|^BEACH )(\d+)$", 1).str.to_integer(strict=False)
    numbered = pl.concat_str(
        pl.when(pl.col("name").str.starts_with("BEACH ")).then(pl.lit("BEACH ")).otherwise(pl.lit("")),
        number.replace_strict({n: ordinal(n) for n in range(1, 400)}, default=None),
    )
    words = lines["name"].str.split(" ").explode().unique()
    words = words.filter(~words.str.contains(r"^\d+$"))
    spelled = dict(zip(words, vocabulary(words)["word"], strict=True))
    expected = lines.select(
        house_number="house_number",
        pre_directional="pre",
        street_name=pl.coalesce(
            numbered, pl.col("name").str.split(" ").list.eval(pl.element().replace(spelled)).list.join(" ")
        ),
        suffix=pl.col("suffix").replace_strict(SUFFIXES, default=None),
        post_directional="post",
        unit_number="unit",
    )
    bare = pl.all().str.replace_all("[^A-Z0-9]", "").fill_null("")
    is_wrong = (found.select(expected.columns).select(bare) != expected.select(bare)).select(
        pl.any_horizontal(pl.all())
    ).to_series()  # fmt: skip
    both = [(found[name].fill_null("") + " / " + expected[name].fill_null("")).alias(name) for name in expected.columns]
    return 1 - float(is_wrong.sum()) / max(lines.height, 1), lines.select("written", *both).filter(is_wrong)


def broken_constraints(linked: pl.DataFrame) -> pl.DataFrame:
    """cluster, of those that hold two known units, or two house numbers on one street, as their keys say it."""
    parts = pl.col("address_key").str.split("|").list
    said = linked.filter(pl.col("address_key").is_not_null()).select(
        "cluster",
        number=parts.get(0).str.replace_all("-", ""),
        street=parts.get(2),
        unit=parts.get(5).replace("", None),
    )
    numbers = said.group_by("cluster", "street").agg(pl.col("number").n_unique()).filter(pl.col("number") > 1)
    units = said.drop_nulls("unit").group_by("cluster").agg(pl.col("unit").n_unique()).filter(pl.col("unit") > 1)
    return pl.concat([numbers.select("cluster"), units.select("cluster")]).unique()


def cut_off(records: pl.DataFrame) -> pl.DataFrame:
    """The records plus is_cut_off (not in the largest cluster of their truth) and majority_key."""
    sized = records.with_columns(
        cluster=pl.coalesce("cluster", pl.col("record_id")), changed=pl.col("changes").list.len()
    ).with_columns(size=pl.len().over("truth", "cluster"))
    order = [pl.col("size"), -pl.col("changed").cast(pl.Int64), pl.col("record_id")]
    main = sized.sort(order, descending=[True, True, False]).group_by("truth", maintain_order=True).first()
    main = main.select("truth", main_cluster="cluster", majority_key="address_key")
    return sized.join(main, on="truth", maintain_order="left").with_columns(
        is_cut_off=pl.col("cluster") != pl.col("main_cluster")
    )


def missed_by_change(records: pl.DataFrame) -> pl.DataFrame:
    """change, records, cut_off, share, times_usual (share against that of records without it): worst first."""
    rows = cut_off(records).select("changes", "is_cut_off")
    cut, total = int(rows["is_cut_off"].sum()), rows.height
    by_change = rows.explode("changes").group_by(change="changes").agg(
        records=pl.len(), cut_off=pl.col("is_cut_off").sum().cast(pl.Int64)
    )  # fmt: skip
    usual = (cut - pl.col("cut_off")) / (total - pl.col("records"))
    by_change = by_change.filter(pl.col("cut_off") > 0)
    return by_change.with_columns(share=pl.col("cut_off") / pl.col("records")).with_columns(
        times_usual=pl.col("share") / usual
    ).drop_nulls("change").sort("cut_off", "change", descending=[True, False])  # fmt: skip


def wrongly_together(records: pl.DataFrame) -> pl.DataFrame:
    """The records of clusters that hold several truths, plus kinds: of which kinds of parcels the cluster is made."""
    wrong = records.filter(pl.col("cluster").is_not_null() & (pl.col("truth").n_unique().over("cluster") > 1))
    kinds = wrong.group_by("cluster").agg(kinds=pl.col("kind").unique().sort().str.join(" + "))
    return wrong.join(kinds, on="cluster", maintain_order="left").sort("cluster", maintain_order=True)


def _lines(data: Path, size: int | None) -> Iterator[str]:
    ways: dict[str, Callable[[pl.DataFrame], Measured]] = {"key alone": by_key, "resolver": by_resolver}
    levels: tuple[Level, ...] = ("easy", "hard")
    for city in CITIES:
        for level in levels:
            records = dialect_records(data, city, level, size)
            yield f"\n=== {city}, {level}: {records.height} records of {records['truth'].n_unique()} parcels"
            yield f"idempotence {idempotence(records):.5f}"
            for way, measure in ways.items():
                started = perf_counter()
                measured = measure(records)
                yield f"{way:10} {measured.scores}  ({perf_counter() - started:.1f} s)"
                if (way, level) != ("key alone", "hard"):
                    yield from _errors(measured.records)
    for city in ("nashville", "queens"):
        share, differing = parts_all_right(data, city)
        yield f"\n=== {city}, the county's own lines: all parts right {share:.4f}; found / expected of some that differ"
        yield from (" | ".join(row) for row in differing.sample(min(25, differing.height), seed=1).iter_rows())
    yield f"\n=== Chicago gold, key without place  {chicago_gold(data)}"
    yield f"=== Queens natural spellings, key alone  {queens_spellings(data)}"


def _errors(records: pl.DataFrame, examples: int = 4) -> Iterator[str]:
    missed = missed_by_change(records).filter(pl.col("times_usual") > 1.2)
    rows = cut_off(records).filter("is_cut_off")
    yield f"  cut off from their property: {rows.height} of {records.height} records; by what was done to them:"
    for change, total, cut, share, times in missed.head(14).iter_rows():
        yield f"    {change:22} {cut:6} of {total:6}  {share:7.4f}  {times:6.1f} x"
        some = rows.filter(pl.col("changes").list.contains(change)).sort(pl.col("changed"), "record_id").head(examples)
        for key, majority, changes in some.select("address_key", "majority_key", "changes").iter_rows():
            yield f"        {key}  <>  {majority}   [{' '.join(changes)}]"
    if "matched_by" in records.columns:
        yield f"  properties of two units or two numbers of a street: {broken_constraints(records).height}"
        yield f"  links: {dict(sorted(records['matched_by'].value_counts().iter_rows()))}"
    wrong = wrongly_together(records)
    yield f"  wrongly together: {wrong['cluster'].n_unique()} clusters; by the parcels they hold:"
    of_kinds = wrong.group_by("kinds", maintain_order=True).agg(
        clusters=pl.col("cluster").n_unique(),
        records=pl.len(),
        some=pl.col("cluster").unique(maintain_order=True).head(3),
    )
    for kinds, clusters, held, some in of_kinds.sort("clusters", descending=True).iter_rows():
        yield f"    {kinds:40} {clusters:5} clusters  {held:6} records"
        for cluster in some:
            rows = wrong.filter(pl.col("cluster") == cluster).sort("truth", "record_id")
            for key, truth, changes in rows.select("address_key", "truth", "changes").head(6).iter_rows():
                yield f"        {truth:22} {key}   [{' '.join(changes)}]"
            yield ""


def main() -> int:
    """Prints the whole report; needs LEADFLOW_TEST_DATA."""
    data = get_settings().test_data
    if data is None:
        sys.stderr.write("LEADFLOW_TEST_DATA is not set: it names the folder with the labelled data.\n")
        return 1
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 6_000
    for line in _lines(data, size or None):
        sys.stdout.write(line + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
