"""The canonical address: any address columns to USPS Publication 28 parts and one comparable key.

Here: the public function, the key, the one-line form. Not here: the grammar (`grammar`), one-line splitting
(`lines`), units (`units`), the ZIP table (`places`).
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import polars as pl

from leadflow_pipelines.properties.addresses import places
from leadflow_pipelines.properties.addresses.grammar import PARTS, parse_streets
from leadflow_pipelines.properties.addresses.lines import clean_text, split_lines
from leadflow_pipelines.properties.addresses.local_forms import settle_local_names
from leadflow_pipelines.properties.addresses.postal_tables import LONE_DESIGNATORS
from leadflow_pipelines.properties.addresses.run_on_cities import take_unframed_city
from leadflow_pipelines.properties.addresses.units import opens_unit, parse_units

ADDRESS_COLUMNS = (*PARTS, "unit_type", "unit_number", "city", "state", "zip5", "zip4", "address_key", "parse_status")
"""What `normalize_addresses` adds, all String."""

_INPUTS = ("address", "street", "unit", "city", "state", "zip")
_CHUNK_ROWS = 200_000
"""Distinct rows parsed at once at most: bounds memory."""
_ONE_SHARE = 20_000
"""Rows that one core parses sooner than two do."""
_PO_BOX = r"^(?:P\.? ?O\.?|POST OFFICE|POB|P\.O\.B\.?)[ .]*(?:BOX|DRAWER|DRAW|BX)?[ .#]*[A-Z]?\d|^(?:BOX|DRAWER)[ #]+\d"
_PO_BOX_NUMBER = r"([A-Z]?\d[A-Z0-9\-]*)"
_RURAL = (
    r"^(RR|R\.R\.?|R R|RURAL ROUTE|RURAL RT|RFD|HC|HIGHWAY CONTRACT|STAR ROUTE|SR|RT|RTE|ROUTE|PSC|CMR|UNIT)"
    r"[ #]*(\d+)?[ ,#]*"
    r"BOX[ #]*([A-Z0-9\-]+)$"
)
_CORNER = r"^(?:(?:[NS][EW]C|[NS][EW] COR|COR|CORNER|CNR|INTERSECTION)\.? (?:OF )?)"
_CROSSING = rf"[^ ] +(?:&|@|AND|AT|/) +[^ ]|{_CORNER}[^ ]+ "
_SPECIAL_HINT = r"BOX|DRAW|^P[ .]?O|^POB|[&@]| AND | AT | / |^COR|^CNR|^INTERSECTION|^[NS][EW] ?C"
_MILITARY_NAME = r"^(?:PSC|CMR|UNIT)\b"
_BOX_NAME = r"^(?:RR|HC|PSC|CMR|UNIT)\b"
_ROAD_WITHIN = (
    r" (?:SAINT|STREET|AVENUE|ROAD|DR|DRIVE|LANE|COURT|CIRCLE|WAY|PLACE|BOULEVARD|TERRACE|PARKWAY) \p{L}|^BROADWAY "
)
_RUNS_ON = r"[0-9]\S* \p{L}{4}|#? ?[A-Z] \p{L}{4}"
"""What a street's name or unit holds where a city may have run on."""
_UNIT_PIECE = r"^\S{1,4}$|^(?:\d+(?:ST|ND|RD|TH)?|FIRST|SECOND|THIRD|FOURTH|GROUND) (?:FLOOR|FLR|FL)\b"
_NUMBERED = r"^\d+(?:[A-Z]|[-/]\d+[A-Z]?)? "


def normalize_addresses(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame plus ADDRESS_COLUMNS, replacing columns of the same name; rows keep their order and number.

    Reads `address` (one line) or `street` and optionally `unit`, and optionally `city`, `state`, `zip`, all String.
    What stands in its own column wins over the one line. Every string gives a row; what is absent is null, never "".
    A ZIP that does not exist is no evidence and becomes null. parse_status: ok, partial (a street without number, or
    the reverse), po_box, rural_route, military, intersection, unparsed (text without a street), missing (no text).
    address_key is `number|pre|name|suffix|post|unit|place`; place is the ZIP, else CITY,STATE; null unless a number
    (or a rural or military box) stands on a named street.
    """
    inputs = frame.with_columns(
        (pl.col(name).cast(pl.String) if name in frame.columns else pl.lit(None, dtype=pl.String)).alias(name)
        for name in _INPUTS
    ).select(_INPUTS)
    said = [name for name in _INPUTS if inputs[name].null_count() < inputs.height] or ["address"]
    distinct = inputs.unique(said, maintain_order=True)
    with ThreadPoolExecutor(pl.thread_pool_size()) as pool:
        added = pl.concat(list(pool.map(_parse, _shares(distinct))))
    if distinct.height < inputs.height:
        place = distinct.select(said).with_row_index("place")
        added = added[inputs.join(place, on=said, how="left", nulls_equal=True, maintain_order="left")["place"]]
    return frame.drop(ADDRESS_COLUMNS, strict=False).hstack(added)


def _shares(distinct: pl.DataFrame) -> list[pl.DataFrame]:
    """The rows in equal shares, a multiple of the cores in number, so that no core waits for another's rest."""
    cores = pl.thread_pool_size() if distinct.height > _ONE_SHARE else 1
    count = cores * -(-max(distinct.height, 1) // (cores * _CHUNK_ROWS))
    rows = -(-max(distinct.height, 1) // count)
    return [distinct.slice(start, rows) for start in range(0, max(distinct.height, 1), rows)]


def _parse(inputs: pl.DataFrame) -> pl.DataFrame:
    """Distinct inputs to ADDRESS_COLUMNS, row by row."""
    street, address = clean_text(inputs["street"]), clean_text(inputs["address"])
    lines = pl.select(pl.coalesce(street, address)).to_series()
    split = split_lines(lines)
    if street.null_count() < inputs.height and address.null_count() < inputs.height:
        from_line = split_lines(address)
        split = split.with_columns(
            pl.coalesce(split[name], from_line[name]).alias(name)
            for name in ("unit_text", "city", "state", "zip5", "zip4")
        )
    split = _unit_or_place(inputs["zip"], inputs["city"], split)
    kind = _kinds(split["street"])
    streets = pl.select(pl.when(kind == "street").then(split["street"])).to_series()
    parsed = parse_streets(streets)
    split, parsed = _without_cities(inputs, split, parsed)
    place = _place(inputs, split)
    frame = pl.concat(
        [
            parsed.select(PARTS),
            _unit([clean_text(inputs["unit"]), _both_units(split["unit_text"], parsed["unit_text"])]),
            place,
            pl.DataFrame({"line": lines, "street": split["street"], "kind": kind}),
        ],
        how="horizontal",
    )
    frame = settle_local_names(_special_forms(frame)).with_columns(address_key())
    return frame.with_columns(_status()).select(ADDRESS_COLUMNS)


def _unit_or_place(own_zip: pl.Series, own_city: pl.Series, split: pl.DataFrame) -> pl.DataFrame:
    """`30-02 39TH AVENUE, LA` in a New York ZIP names apartment LA, not Louisiana, and `12 OAK LN 15821` no ZIP."""
    zip5 = _once(own_zip, places.clean_zip)
    zip_state = places.lookup(zip5, places.zips(), "state")
    is_state = (zip_state != pl.col("state")) & pl.col("zip5").is_null() & pl.col("city").is_null()
    is_zip = zip_state.is_not_null() & (zip5 != pl.col("zip5")) & pl.col("state").is_null() & pl.col("city").is_null()
    is_state, is_zip = is_state.fill_null(value=False), is_zip.fill_null(value=False)
    split = _unit_or_city(own_city, split)
    return split.with_columns(
        pl.when(is_state).then(pl.coalesce("unit_text", "state")).when(is_zip).then(pl.coalesce("unit_text", "zip5"))
        .otherwise("unit_text").alias("unit_text"),
        pl.when(~is_state).then("state").alias("state"),
        pl.when(~is_zip).then("zip5").alias("zip5"),
    )  # fmt: skip


def _unit_or_city(own_city: pl.Series, split: pl.DataFrame) -> pl.DataFrame:
    """VILLA ROSA in a line whose caller says another city is a unit."""
    at = (own_city.is_not_null() & split["city"].is_not_null()).arg_true()
    if at.is_empty():
        return split
    city = split["city"].gather(at)
    is_unit = city.to_frame("city").select(opens_unit(pl.col("city"))).to_series()
    is_unit &= (city != _once(own_city.gather(at), places.clean_city)).fill_null(value=False)
    at, city = at.filter(is_unit), city.filter(is_unit)
    unit = pl.select(pl.coalesce(split["unit_text"].gather(at), city)).to_series()
    return split.with_columns(split["unit_text"].scatter(at, unit), split["city"].scatter(at, None))


def _without_cities(
    inputs: pl.DataFrame, split: pl.DataFrame, parsed: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Both frames, with the cities that run on from streets in lines without state and ZIP taken out of the street."""
    at = (split["city"].is_null() & split["state"].is_null() & split["zip5"].is_null()).arg_true()
    if at.is_empty():
        return split, parsed
    within = parsed["street_name"].gather(at).str.contains(_ROAD_WITHIN)
    at = at.filter((within | parsed["unit_text"].gather(at).str.contains(_RUNS_ON)).fill_null(value=False))
    if at.is_empty():
        return split, parsed
    own = inputs.select(pl.col("city", "state", "zip").gather(at)).select(
        places.clean_city(pl.col("city")), places.clean_state(pl.col("state")),
        places.clean_zip(pl.col("zip")).alias("zip5"),
    )  # fmt: skip
    found = take_unframed_city(split["street"].gather(at), own)
    goes = found["street"].is_not_null()
    at, found = at.filter(goes), found.filter(goes)
    if at.is_empty():
        return split, parsed
    again = parse_streets(found["street"])
    return (
        split.with_columns(split[name].scatter(at, found[name]) for name in ("street", "city")),
        parsed.with_columns(parsed[name].scatter(at, again[name]) for name in parsed.columns),
    )


def _both_units(piece: pl.Series, street: pl.Series) -> pl.Series:
    """What a line's pieces and its street say on the unit: BLDG 3, APT 12 is one unit; # 5, 5 says it twice."""
    both = (piece.is_not_null() & street.is_not_null()).arg_true()
    units = pl.select(pl.coalesce(piece, street)).to_series()
    if both.is_empty():
        return units
    texts = pl.DataFrame({"piece": piece.gather(both), "street": street.gather(both)})
    number = pl.col("piece").str.extract(r"([0-9A-Z\-]+)$", 1)
    repeats = pl.col("street").str.extract(r"([0-9A-Z\-]+)$", 1) == number
    is_unit = opens_unit(pl.col("piece")) | pl.col("piece").str.contains(_UNIT_PIECE)
    joined = (
        pl.when(repeats).then("piece").when(is_unit).then(pl.concat_str("street", "piece", separator=" "))
        .otherwise("street")
    )  # fmt: skip
    return units.scatter(both, texts.select(joined).to_series())


def _unit(texts: list[pl.Series]) -> pl.DataFrame:
    """unit_type and unit_number of the first text that names a unit; its type may come from a later text."""
    parsed = [parse_units(text) for text in texts]
    frame = pl.concat([unit.select(pl.all().name.suffix(f"_{at}")) for at, unit in enumerate(parsed)], how="horizontal")
    frame = frame.with_columns(pl.coalesce(f"unit_number_{at}" for at in range(len(texts))).alias("unit_number"))
    return frame.select(
        pl.coalesce(
            pl.when(pl.col(f"unit_number_{at}").eq_missing(pl.col("unit_number"))).then(f"unit_type_{at}")
            for at in range(len(texts))
        ).alias("unit_type"),
        "unit_number",
    )


def _place(inputs: pl.DataFrame, split: pl.DataFrame) -> pl.DataFrame:
    """city, state, zip5, zip4: the own column's, else the line's."""
    zip4 = pl.col("zip").str.extract(r"^\s*\d{5}[- ]?(\d{4})\s*$", 1)
    own = inputs.select(
        _once(inputs["city"], places.clean_city), _once(inputs["state"], places.clean_state),
        _once(inputs["zip"], places.clean_zip).alias("zip5"), zip4.alias("zip4"),
    )  # fmt: skip
    own = own.with_columns(_existing(own["zip5"]))
    line = split.select(
        pl.col("city").alias("line_city"), pl.col("state").alias("line_state"),
        _existing(split["zip5"]).alias("line_zip5"), pl.col("zip4").alias("line_zip4"),
    )  # fmt: skip
    line_zip4 = pl.when(pl.col("zip5").is_null() | (pl.col("zip5") == pl.col("line_zip5"))).then("line_zip4")
    both = pl.concat([own, line], how="horizontal").with_columns(pl.coalesce("zip4", line_zip4).alias("zip4"))
    both = both.select(*(pl.coalesce(name, f"line_{name}").alias(name) for name in ("city", "state", "zip5")), "zip4")
    return both.with_columns(pl.when(pl.col("zip5").is_not_null()).then("zip4").alias("zip4"))


def _existing(zip5: pl.Series) -> pl.Series:
    """The ZIPs that there are; null for the others."""
    return zip5.set(~places.is_known(zip5, places.zips()), None)


def _once(values: pl.Series, clean: Callable[[pl.Expr], pl.Expr]) -> pl.Series:
    """A cleaning expression applied to distinct values only: cities, states and ZIPs repeat."""
    if values.null_count() == len(values):
        return values
    distinct = values.unique().drop_nulls().to_frame("raw").with_columns(clean(pl.col("raw")).alias("clean"))
    return values.replace_strict(distinct["raw"], distinct["clean"], default=None, return_dtype=pl.String)


def _kinds(streets: pl.Series) -> pl.Series:
    """What a street line is: street, po_box, rural, intersection or null."""
    text = pl.col("text")
    kinds = (
        streets.to_frame("text").select(pl.when(text.is_not_null()).then(pl.lit("street")).alias("kind")).to_series()
    )
    where = streets.str.contains(_SPECIAL_HINT).fill_null(value=False).arg_true()
    if where.is_empty():
        return kinds
    numbered = text.str.contains(_NUMBERED) & ~text.str.contains(r"^\d+(?:ST|ND|RD|TH) ")
    special = streets.gather(where).to_frame("text").select(
        pl.when(text.str.contains(_RURAL)).then(pl.lit("rural"))
        .when(text.str.contains(_PO_BOX)).then(pl.lit("po_box"))
        .when(text.str.contains(_CROSSING) & ~numbered).then(pl.lit("intersection"))
        .otherwise(pl.lit("street"))
    ).to_series()  # fmt: skip
    return kinds.scatter(where, special)


def _special_forms(frame: pl.DataFrame) -> pl.DataFrame:
    """PO boxes, rural boxes and intersections, which have no house number on a street."""
    kind, street = pl.col("kind"), pl.col("street")
    if frame.select((kind.is_null() | (kind == "street")).all()).item():
        return frame
    rural = street.str.extract_groups(_RURAL)
    form = (
        rural.struct.field("1").str.replace_all(r"[^A-Z ]", "")
        .replace({"R R": "RR", "RURAL ROUTE": "RR", "RURAL RT": "RR", "RFD": "RR", "HIGHWAY CONTRACT": "HC",
                  "STAR ROUTE": "HC", "SR": "HC", "RT": "RR", "RTE": "RR", "ROUTE": "RR"})
    )  # fmt: skip
    route = rural.struct.field("2").str.replace(r"^0+(\d)", "${1}")
    crossing = (
        street.str.replace(_CORNER, "")
        .str.replace_all(r" +(?:@|AND|AT|/) +", " & ")
        .str.replace_all(r"[.,#\"()]+", "")
        .str.replace_all(r" +", " ")
    )
    is_rural = kind == "rural"
    return frame.with_columns(
        pl.when(is_rural).then(pl.concat_str(form, route, separator=" ", ignore_nulls=True))
        .when(kind == "po_box").then(pl.concat_str(pl.lit("PO BOX "), street.str.extract(_PO_BOX_NUMBER, 1)))
        .when(kind == "intersection").then(crossing)
        .otherwise("street_name").alias("street_name"),
        pl.when(is_rural).then(pl.lit("BOX")).otherwise("unit_type").alias("unit_type"),
        pl.when(is_rural).then(rural.struct.field("3")).otherwise("unit_number").alias("unit_number"),
    )  # fmt: skip


def _status() -> pl.Expr:
    rural_name = pl.when(pl.col("kind") == "rural").then("street_name")
    has_name, has_number = pl.col("street_name").is_not_null(), pl.col("house_number").is_not_null()
    return (
        pl.when(pl.col("line").is_null()).then(pl.lit("missing"))
        .when(pl.col("kind") == "po_box").then(pl.lit("po_box"))
        .when(rural_name.str.contains(_MILITARY_NAME)).then(pl.lit("military"))
        .when(pl.col("kind") == "rural").then(pl.lit("rural_route"))
        .when(pl.col("kind") == "intersection").then(pl.lit("intersection"))
        .when(has_name & has_number).then(pl.lit("ok"))
        .when(has_name | has_number).then(pl.lit("partial"))
        .otherwise(pl.lit("unparsed")).alias("parse_status")
    )  # fmt: skip


def unit_key() -> pl.Expr:
    """A unit without its designator and leading zeros; a designator that stands alone names the unit."""
    number = pl.col("unit_number").str.replace(r"^0+(\w)", "${1}")
    lone = pl.when(pl.col("unit_type").is_in(list(set(LONE_DESIGNATORS.values())))).then("unit_type")
    return pl.when(lone.is_not_null() | number.is_not_null()).then(
        pl.concat_str(lone.fill_null(""), number.fill_null(""))
    )


def address_key() -> pl.Expr:
    """The key of a frame that holds the address parts; see `normalize_addresses`."""
    # What only some rows need is null for the others before a string is made of it: half of this expression's time.
    city, state = (pl.when(pl.col("zip5").is_null()).then(name) for name in ("city", "state"))
    city_state = pl.concat_str(city, pl.lit(","), state)
    place = pl.coalesce("zip5", city_state, pl.concat_str(city, pl.lit(",")))
    hyphenated = pl.coalesce(
        pl.col("zip5").is_in(places.hyphen_zips().implode()), city_state.is_in(places.hyphen_cities().implode())
    )
    bare = pl.when(hyphenated).then("house_number").str.replace_all("-", "", literal=True)
    number = pl.coalesce(bare, "house_number")
    is_box = pl.when(pl.col("unit_type") == "BOX").then("street_name").str.contains(_BOX_NAME)
    identifies = pl.col("street_name").is_not_null() & (
        pl.col("house_number").is_not_null() | is_box.fill_null(value=False)
    )
    return (
        pl.when(identifies).then(
            pl.concat_str(
                [part.fill_null("") for part in (
                    number, pl.col("pre_directional"), pl.col("street_name"), pl.col("suffix"),
                    pl.col("post_directional"), unit_key(), place,
                )],
                separator="|",
            )
        ).alias("address_key")
    )  # fmt: skip


def street_line() -> pl.Expr:
    """House number to unit on one line, from the address parts; null where there is no street.

    A number sign parts the unit from a name without a suffix: 12 CALLE SOL # UPPR.
    """
    is_bare = pl.col("unit_type").is_null() & pl.col("unit_number").is_not_null()
    lone = pl.col("unit_type").is_in(list(set(LONE_DESIGNATORS.values()))) & pl.col("suffix").is_null()
    unit = pl.concat_str(
        pl.when(is_bare | lone.fill_null(value=False)).then(pl.lit("#")), "unit_type", "unit_number", separator=" ",
        ignore_nulls=True,
    )  # fmt: skip
    line = pl.concat_str(*PARTS, pl.when(unit != "").then(unit), separator=" ", ignore_nulls=True)
    return pl.when(pl.col("street_name").is_not_null()).then(line)


def one_line() -> pl.Expr:
    """The whole address on one line, as on an envelope: `73-04 193RD ST # 2, FRESH MEADOWS, NY 11366`."""
    zip_code = pl.concat_str("zip5", "zip4", separator="-", ignore_nulls=True)
    state = pl.concat_str("state", pl.when(zip_code != "").then(zip_code), separator=" ", ignore_nulls=True)
    line = pl.concat_str(street_line(), "city", pl.when(state != "").then(state), separator=", ", ignore_nulls=True)
    return pl.when(line != "").then(line)
