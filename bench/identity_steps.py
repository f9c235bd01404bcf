"""What `identity` measures, each step a process of its own: `python -m bench.identity_steps STEP '{"rows": ...}'`.

Here: one timed piece of work, which prints its seconds as JSON. Not here: sizes and goals (`identity`), the invented
records (`county_addresses`). Peers are imported here and nowhere else; they are none of the product's dependencies.
"""

import json
import logging
import resource
import sys
import time
from collections.abc import Callable
from typing import Any, TypeVar

import polars as pl

from bench.county_addresses import invent_hostile_records, invent_lines, invent_records
from leadflow_pipelines.properties import Resolution, normalize_addresses, resolve_properties

T = TypeVar("T")
Result = dict[str, Any]
LINK_EVIDENCE = 0.9
"""The probability from which Splink's pairs count: its documentation's usual choice is 0.9 to 0.99."""
_COMPARED = ("house_number", "pre_directional", "street_name", "suffix", "unit_number", "zip5", "city", "parcel_number",
             "owner_name")  # fmt: skip


def lines(file: str, rows: int) -> Result:
    """Write distinct one-line addresses."""
    invent_lines(rows).write_parquet(file)
    return {}


def records(file: str, rows: int, later: int = 0) -> Result:
    """Write invented records; `later` of them to FILE.day, as those of a later day."""
    whole = invent_records(rows + later)
    whole.head(rows).write_parquet(file)
    if later:
        whole.tail(later).write_parquet(f"{file}.day")
    return {}


def hostile(file: str, rows: int) -> Result:
    """Write the hostile file."""
    invent_hostile_records(rows).write_parquet(file)
    return {}


def normalize(file: str) -> Result:
    """Our parser over the file's lines."""
    given = pl.read_parquet(file)
    normalize_addresses(given.head(1_000))  # the tables are read once in a process
    seconds, parsed = _timed(lambda: normalize_addresses(given))
    return {"rows_per_second": given.height / seconds, "keyed": parsed["address_key"].count() / given.height}


def scourgify(file: str, rows: int) -> Result:
    """usaddress-scourgify, the library in common use, on the first rows."""
    from scourgify import normalize_address_record  # noqa: PLC0415 - a peer
    from scourgify.exceptions import AddressNormalizationError  # noqa: PLC0415

    def parse(given: list[str]) -> int:
        failed = 0
        for line in given:
            try:
                normalize_address_record(line)
            except AddressNormalizationError:
                failed += 1
        return failed

    logging.disable(logging.CRITICAL)
    return _peer(file, rows, parse)


def fastaddress(file: str, rows: int) -> Result:
    """fastaddress, usaddress's parser in Rust: labelled parts, without Publication 28 forms."""
    import fastaddress as peer  # noqa: PLC0415

    def parse(given: list[str]) -> None:
        for line in given:
            try:
                peer.tag(line)
            except peer.RepeatedLabelError:
                continue

    return _peer(file, rows, parse)


def doorplate(file: str, rows: int) -> Result:
    """doorplate, a parser in Rust that uses every core: parts and its match key."""
    import doorplate as peer  # noqa: PLC0415

    return _peer(file, rows, lambda given: [parsed and parsed.key(unit=True) for parsed in peer.parse_many(given)])


def resolve(file: str, keep: str | None = None) -> Result:
    """Raw records to links and best values; `keep` is where to write them as an earlier resolution."""
    given = pl.read_parquet(file)
    truth = given["truth"] if "truth" in given.columns else None
    given = given.drop("truth", strict=False)
    seconds, resolution = _timed(lambda: resolve_properties(given))
    best_seconds, _ = _timed(lambda: resolution.properties)
    measured = {"seconds": seconds, "best_values_seconds": best_seconds, "peak_gb": _peak_gb()}
    if keep:
        _as_previous(resolution).write_parquet(keep)
    return measured | _described(resolution, truth)


def day(file: str, previous: str) -> Result:
    """A day's new records against an earlier resolution."""
    new, before = pl.read_parquet(file).drop("truth"), pl.read_parquet(previous)
    seconds, resolution = _timed(lambda: resolve_properties(new, previous=before))
    joined = resolution.links.join(before.select("property_id").unique(), on="property_id", how="semi").height
    return {"seconds": seconds, "peak_gb": _peak_gb(), "joined": joined}


def splink(file: str) -> Result:
    """Splink over what our normalisation makes of the records: model trained, pairs scored, clusters.

    Blocking and training rules are the best of those tried on these records (pairwise F1 .999; blocks without the
    unit: .41).
    """
    import splink.comparison_library as compare  # noqa: PLC0415
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on  # noqa: PLC0415

    logging.disable(logging.CRITICAL)
    given = pl.read_parquet(file)
    digits = pl.col("parcel_number").str.replace_all(r"\D", "")
    truth = given.select(unique_id="record_id", truth="truth")
    absent = ("pre_directional", "suffix", "unit_number")

    def link() -> pl.DataFrame:
        keyed = normalize_addresses(given).select(pl.col("record_id").alias("unique_id"), *_COMPARED)
        # A unit or directional that is not there is a statement: as nulls, units are merged into their building.
        keyed = keyed.with_columns(digits, pl.col(absent).fill_null(""))
        model = SettingsCreator(
            link_type="dedupe_only",
            comparisons=[
                compare.ExactMatch("house_number"),
                compare.JaroWinklerAtThresholds("street_name", [0.94, 0.88]),
                *(compare.ExactMatch(name) for name in ("pre_directional", "suffix", "unit_number", "zip5", "city")),
                compare.ExactMatch("parcel_number"),
                compare.JaroWinklerAtThresholds("owner_name", [0.92]),
            ],
            blocking_rules_to_generate_predictions=[
                block_on("house_number", "street_name", "unit_number"), block_on("parcel_number"),
                block_on("house_number", "zip5", "unit_number"),
            ],
            retain_matching_columns=False,
        )  # fmt: skip
        linker = Linker(DuckDBAPI().register(keyed.to_arrow()), model)
        train = linker.training
        train.estimate_probability_two_random_records_match([block_on("parcel_number")], recall=0.6)
        train.estimate_u_using_random_sampling(max_pairs=5e6, seed=7)
        for rule in (block_on("parcel_number"), block_on("owner_name", "house_number")):
            train.estimate_parameters_using_expectation_maximisation(rule, record_sample_proportion=1.0)
        pairs = linker.inference.predict(threshold_match_probability=LINK_EVIDENCE)
        clusters = linker.clustering.cluster_pairwise_predictions_at_threshold(pairs, LINK_EVIDENCE)
        return pl.DataFrame(clusters.as_duckdbpyrelation().to_arrow_table())

    seconds, clusters = _timed(link)
    linked = clusters.select("unique_id", "cluster_id").join(truth, on="unique_id")
    return {"seconds": seconds, "peak_gb": _peak_gb(), "f1": _f1(linked["cluster_id"], linked["truth"])}


def _timed(work: Callable[[], T]) -> tuple[float, T]:
    began = time.perf_counter()
    outcome = work()
    return time.perf_counter() - began, outcome


def _peak_gb() -> float:
    """This process's largest resident size so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def _peer(file: str, rows: int, parse: Callable[[list[str]], object]) -> Result:
    given = pl.read_parquet(file)["address"].head(rows).to_list()
    parse(given[:100])
    seconds, _ = _timed(lambda: parse(given))
    return {"rows_per_second": len(given) / seconds}


def _described(resolution: Resolution, truth: pl.Series | None) -> Result:
    property_id = resolution.links["property_id"]
    sizes = property_id.value_counts()["count"]
    described = {"properties": sizes.len(), "largest": sizes.max()}
    return described if truth is None else described | {"f1": _f1(property_id, truth)}


def _f1(cluster: pl.Series, truth: pl.Series) -> float:
    """Harmonic mean of precision and recall over pairs of records."""
    frame = pl.DataFrame({"cluster": cluster, "truth": truth})

    def pairs(*by: str) -> int:
        size = pl.col("len").cast(pl.Int64)
        return int(frame.group_by(by).len().select((size * (size - 1) // 2).sum()).item())

    return 2 * pairs("cluster", "truth") / max(pairs("cluster") + pairs("truth"), 1)


def _as_previous(resolution: Resolution) -> pl.DataFrame:
    """Links and keys as a store gives them back."""
    return resolution.links.join(resolution.records.drop("truth", strict=False), on="record_id").with_columns(
        linked_on=pl.date(2026, 1, 1)
    )


STEPS: dict[str, Callable[..., Result]] = {
    step.__name__: step
    for step in (lines, records, hostile, normalize, scourgify, fastaddress, doorplate, resolve, day, splink)
}


if __name__ == "__main__":
    name, arguments = sys.argv[1:]
    sys.stdout.write(json.dumps(STEPS[name](**json.loads(arguments))))
