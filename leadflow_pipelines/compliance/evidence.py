"""What a decision looks at, and its one written form: a JSON document per row whose sha256 proves it.

Here: the columns, writing documents over a frame and reading them back. Not here: the decision (`clear_contacts`),
gathering (`clearance/evidence`), keeping documents (`clearance/proof`). The form is canonical: keys sorted, no
spaces, nulls left out, UTC instants to the microsecond, so that equal evidence gives equal bytes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np
import orjson
import polars as pl
import polars_hash as plh

from leadflow_pipelines.compliance.calling_calendar import Width
from leadflow_pipelines.compliance.consents import CONSENT_COLUMNS, INSTANT
from leadflow_pipelines.compliance.rule_book import RuleBook
from leadflow_pipelines.errors import InvalidInput

EVIDENCE_REQUIRED: dict[str, Any] = {
    "zip": pl.String, "day": pl.Date, "property_id": pl.String, "contact_point_id": pl.String,
    "kind": pl.String, "person_name": pl.String, "phone_e164": pl.String, "line_type": pl.String,
    "email": pl.String, "mailing_street": pl.String, "mailing_city": pl.String, "mailing_state": pl.String,
    "mailing_zip5": pl.String, "is_on_dnc": pl.Boolean, "is_litigator": pl.Boolean, "is_reachable": pl.Boolean,
    "fetched_at": INSTANT, "source": pl.String, "property_state": pl.String, "property_zip": pl.String,
    "is_owner_occupied": pl.Boolean,
}  # fmt: skip
"""What every contact point comes with: lead_contacts, and three columns about the property."""
EVIDENCE_LOOKED_UP: dict[str, Any] = {
    "is_registry_listed": pl.Boolean, "registry_as_of": pl.Date, "dnc_answer": pl.String, "dnc_answered_at": INSTANT,
    "is_reassigned": pl.Boolean, "reassigned_checked_at": INSTANT, "reassigned_asked_about": pl.Date,
    "contact_hashes": pl.List(pl.String),
}  # fmt: skip
"""What the org looked up; a missing column is null, nothing looked up. is_registry_listed: on any do-not-call list
that the org reads under its own licence, null where none answers for the number; registry_as_of: day of the oldest
list asked. dnc_answer: yes, no or unknown, a vendor's own lookup. reassigned_*: the reassigned-numbers check and the
day it was about. contact_hashes: the keyed hash under every key version."""
EVIDENCE: dict[str, Any] = {**EVIDENCE_REQUIRED, **EVIDENCE_LOOKED_UP}

WRITTEN = (
    "contact_point_id", "day", "dnc_answer", "dnc_answered_at", "email", "fetched_at", "is_litigator", "is_on_dnc",
    "is_owner_occupied", "is_reachable", "is_reassigned", "is_registry_listed", "is_suppressed", "kind", "line_type",
    "mailing_city", "mailing_state", "mailing_street", "mailing_zip5", "phone_e164", "property_id", "property_state",
    "property_zip", "reassigned_asked_about", "reassigned_checked_at", "registry_as_of", "source",
)  # fmt: skip
"""The columns of a contact point in its document: in order, the first of them never null."""
SEND_FACTS = ("attempts", "is_registered")
"""What a document of a send holds besides: instants of the last seven days' attempts, a registered campaign."""
ISO = "%Y-%m-%dT%H:%M:%S%.6fZ"
FIRST_UNESCAPED = ord(" ")
PHONE_CHANNELS = ("sms", "voice")
KIND_CHANNELS = {"phone": PHONE_CHANNELS, "email": ("email",), "mailing": ("mail",)}
"""The channels that a contact point of each kind can carry."""
POINT_TYPES: dict[str, Any] = {**EVIDENCE, "is_suppressed": pl.Boolean}
HOLD_COLUMNS: dict[str, Any] = {"state": pl.String, "channel": pl.String}


@dataclass(frozen=True)
class Limits:
    """Most attempts at one person that the org allows itself, over all its senders."""

    most_per_24h: int
    most_per_7d: int


@dataclass(frozen=True)
class Question:
    """What is asked of every row alike. `limits` only where the question is whether to send now.

    `now` is aware; None where each row brings its own instant as a column `now`, as decisions of a day that are
    replayed together do. holds has HOLD_COLUMNS, `*` being every state.
    """

    rules: RuleBook
    now: datetime | None
    purpose: str
    org_name: str | None
    widen_to: Width
    holds: pl.DataFrame
    limits: Limits | None = None

    @property
    def is_send(self) -> bool:
        return self.limits is not None

    @cached_property
    def moment(self) -> pl.Expr:
        """The instant asked about. One decision names it forty times, and an instant takes long to become a literal."""
        return pl.col("now") if self.now is None else pl.lit(self.now, dtype=INSTANT)

    def written(self) -> list[str | pl.Expr]:
        """The question as it stands in a document, in parts: what is before the instant, the instant, the rest."""
        asked: dict[str, Any] = {
            "holds": sorted([row["state"], row["channel"]] for row in self.holds.iter_rows(named=True)),
            "now": "",
            "org_name": self.org_name,
            "purpose": self.purpose,
            "rule_version": self.rules.rule_version,
            "widen_to": self.widen_to,
        }
        if self.limits:
            asked["most_per_24h"], asked["most_per_7d"] = self.limits.most_per_24h, self.limits.most_per_7d
        before, key, after = orjson.dumps(asked, option=orjson.OPT_SORT_KEYS).decode().partition('"now":"')
        moment = self.moment.dt.strftime(ISO)
        return [before + key, moment if self.now is None else pl.select(moment).item(), after]


def conformed(
    frame: pl.DataFrame, schema: Mapping[str, Any], what: str, *, may_lack: Sequence[str] = ()
) -> pl.DataFrame:
    """The columns of `schema`, cast.

    Raises InvalidInput for a column that is missing and may not be, for values that do not fit, and for instants
    without a zone.
    """
    missing = [name for name in schema if name not in frame.columns and name not in may_lack]
    if missing:
        raise InvalidInput(
            f"The {what} lack the columns {', '.join(missing)}.", remedy="Give each, null where unknown."
        )
    for name in schema:
        if name in frame.columns and _is_naive(frame[name], schema[name]):
            raise InvalidInput(
                f"The {what} hold values that cannot be read as moments: {name} has no zone.",
                remedy=f"Give them theirs, e.g. pl.col({name!r}).dt.replace_time_zone('UTC').",
            )
    try:
        return frame.select(
            _typed(frame, name, dtype).alias(name) if name in frame.columns else pl.lit(None, dtype).alias(name)
            for name, dtype in schema.items()
        )
    except pl.exceptions.PolarsError as error:
        raise InvalidInput(
            f"The {what} hold values that cannot be read: {str(error).splitlines()[0]}",
            remedy="Give text as text, flags as true, false or null, and instants with their zone.",
        ) from error


def _is_naive(given: pl.Series, wanted: Any) -> bool:
    """Whether an instant is wanted and a clock time, or the text of one, is given."""
    if not isinstance(wanted, pl.Datetime) or given.null_count() == given.len():
        return False
    return given.dtype == pl.String or (isinstance(given.dtype, pl.Datetime) and given.dtype.time_zone is None)


def _typed(frame: pl.DataFrame, name: str, dtype: Any) -> pl.Expr:
    """The column cast. Not a number is nothing known, as where a frame came through pandas."""
    column = pl.col(name)
    return (column.fill_nan(None) if frame.schema[name].is_float() else column).cast(dtype)


def written_point(points: pl.DataFrame) -> pl.Expr:
    """A contact point as a JSON object, for these points. Columns: WRITTEN."""
    return _object(points, WRITTEN)


def written_consents(consents: pl.DataFrame) -> pl.DataFrame:
    """contact_key, and `consents_text`: its rows (CONSENT_COLUMNS and contact_key) as a JSON array in one order."""
    names = sorted(set(CONSENT_COLUMNS) - {"contact_value"})
    row = pl.concat_str(pl.lit("{"), _object(consents, names).str.strip_chars_start("{").str.strip_prefix(","))
    listed = consents.select("contact_key", row=row).sort("row").group_by("contact_key").agg("row")
    return listed.select(
        "contact_key", consents_text=pl.concat_str(pl.lit("["), pl.col("row").list.join(","), pl.lit("]"))
    )


def written_document(channel: str, question: Question) -> pl.Expr:
    """A row's document. Reads consents_text, point_text, SEND_FACTS for a send, and `now` if rows differ."""
    return _text(
        [
            '{"asked":',
            *question.written(),
            *(_attempts() if question.is_send else []),
            f',"channel":"{channel}","consents":',
            pl.col("consents_text"),
            *(_flags(["is_registered"]) if question.is_send else []),
            ',"point":',
            pl.col("point_text"),
            "}",
        ]
    )


def hashed(documents: pl.Series) -> pl.Series:
    """sha256 of each document, in hex."""
    return documents.to_frame().select(evidence_hash=digest(pl.all())).to_series()


def digest(document: pl.Expr) -> pl.Expr:
    """sha256 of a document, in hex."""
    told: pl.Expr = plh.CryptographicHashingNameSpace(document).sha2_256()
    return told


DOCUMENT_TYPE = pl.Struct(
    {
        "asked": pl.Struct({"holds": pl.List(pl.List(pl.String)), "now": pl.String, "org_name": pl.String,
                            "purpose": pl.String, "rule_version": pl.String, "widen_to": pl.String,
                            "most_per_24h": pl.Int64, "most_per_7d": pl.Int64}),
        "attempts": pl.List(pl.String),
        "channel": pl.String,
        "consents": pl.List(pl.Struct(dict.fromkeys(sorted(set(CONSENT_COLUMNS) - {"contact_value"}), pl.String))),
        "is_registered": pl.Boolean,
        "point": pl.Struct({name: pl.Boolean if POINT_TYPES[name] == pl.Boolean else pl.String for name in WRITTEN}),
    }
)  # fmt: skip


def read_documents(documents: pl.Series) -> pl.DataFrame:
    """asked, attempts, channel, consents, is_registered and point of each document; text as it was written."""
    return documents.str.json_decode(DOCUMENT_TYPE).struct.unnest()


def read_instant(column: str) -> pl.Expr:
    """A written instant as an instant."""
    return pl.col(column).str.to_datetime("%Y-%m-%dT%H:%M:%S%.fZ", time_unit="us", time_zone="UTC").alias(column)


def _object(frame: pl.DataFrame, names: Sequence[str]) -> pl.Expr:
    """The columns as one JSON object per row, nulls left out. The first column is never null.

    Columns that are null throughout are left out, and one of a single value is written once.
    """
    nulls = frame.select(names).null_count().row(0, named=True)
    told = [name for name in names if not nulls[name] or nulls[name] < frame.height]
    alike = frame.select((pl.col(told) == pl.col(told).first()).all()).row(0, named=True)
    varied = [name for name in told if nulls[name] or not alike[name] or frame.is_empty()]
    values = {**_values(frame, varied), **_written_once(frame.head(1), [name for name in told if name not in varied])}
    parts: list[str | pl.Expr] = ["{"]
    flags: list[str] = []
    comma = ""
    for name in told:
        if name not in values:
            flags.append(name)
            continue
        parts += _flags(flags)
        flags = []
        before, value, after = values[name]
        before = f'{comma}"{name}":{before}'
        parts += [pl.concat_str(pl.lit(before), value, pl.lit(after))] if nulls[name] else [before, value, after]
        comma = ","
    return _text([*parts, *_flags(flags), "}"])


def _text(parts: Sequence[str | pl.Expr]) -> pl.Expr:
    """The parts one after another, nulls left out. Neighbours that all rows share are one: a part costs every row."""
    joined: list[pl.Expr] = []
    shared = ""
    for part in (*parts, None):
        if isinstance(part, str):
            shared += part
        else:
            joined += [pl.lit(shared), *([] if part is None else [part])]
            shared = ""
    return pl.concat_str(joined, ignore_nulls=True)


def _flags(names: Sequence[str]) -> list[pl.Expr]:
    """Neighbouring flags as one part: their combinations are few, so each is written once and looked up."""
    if not names:
        return []
    texts = [""]
    for name in names:
        texts = [text + told for text in texts for told in ("", f',"{name}":false', f',"{name}":true')]
    code = pl.lit(0, pl.UInt32)
    for name in names:
        code = code * 3 + pl.col(name).cast(pl.UInt32).add(1).fill_null(0)
    return [pl.lit(pl.Series(texts)).gather(code)]


_Value = tuple[str, str | pl.Expr, str]
"""What stands before each value of a column, the value as text, and what stands after it."""


def _values(frame: pl.DataFrame, names: Sequence[str]) -> dict[str, _Value]:
    """The columns that are not flags."""
    schema = frame.schema
    texts = [name for name in names if schema[name] == pl.String]
    joined = frame.select(pl.col(texts).str.join("").cast(pl.Binary)).to_dict()
    told: dict[str, _Value] = {}
    for name in names:
        value = pl.col(name)
        if schema[name].is_temporal():
            told[name] = '"', _moments(frame[name]), '"'
        elif name in joined and _holds_escaped(joined[name].item() or b""):
            encoded = pl.struct(value.alias("v")).struct.json_encode().str.strip_prefix('{"v":').str.strip_suffix("}")
            told[name] = "", pl.when(value.is_not_null()).then(encoded), ""
        elif name in joined:
            told[name] = '"', value, '"'
    return told


def _written_once(row: pl.DataFrame, names: Sequence[str]) -> dict[str, _Value]:
    """The columns that are not flags, for the one row that holds their only values."""
    values = _values(row, names)
    written = row.select(**{name: value for name, (_, value, _) in values.items()})
    return {name: (before, written[name].item(), after) for name, (before, _, after) in values.items()}


def _moments(column: pl.Series) -> pl.Expr:
    """Days and instants as text; where they are few, each is written once and looked up."""
    value, form = pl.col(column.name), "%Y-%m-%d" if column.dtype == pl.Date else ISO
    distinct = column.unique().drop_nulls()
    if len(distinct) * 4 > len(column):
        return value.dt.strftime(form)
    return value.replace_strict(distinct, distinct.dt.strftime(form), default=None)


def _holds_escaped(text: bytes) -> bool:
    """Whether it holds a character that JSON escapes. All values of a column at once: five times as fast as by row."""
    least = np.frombuffer(text, np.uint8).min(initial=FIRST_UNESCAPED)
    return b'"' in text or b"\\" in text or bool(least < FIRST_UNESCAPED)


def _attempts() -> list[pl.Expr]:
    text = pl.col("attempts").list.eval(pl.element().dt.strftime(ISO)).list.join('","')
    some = pl.concat_str(pl.lit(',"attempts":["'), text, pl.lit('"]'))
    return [pl.when(pl.col("attempts").list.len() > 0).then(some)]
