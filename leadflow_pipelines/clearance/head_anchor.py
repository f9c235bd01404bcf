"""The head of an org's chain of proof, noted outside the database, so that a restored database is found out.

Whoever is about to ask a messenger notes the head first. A chain that ends before the noted entry, or has another one
in its place, is of a database that does not know what was sent since. Not here: what follows (`outreach/dispatch`).
"""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from polars.exceptions import PolarsError
from sqlalchemy import Connection, select, text

from leadflow_pipelines.clearance.proof import FIRST
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.database.tables import proof_entries, proof_heads
from leadflow_pipelines.errors import DatabaseRestored, LakeUnavailable
from leadflow_pipelines.lake import open_lake
from leadflow_pipelines.lake.proof_files import ProofFiles
from leadflow_pipelines.settings import Settings

ONE_AT_A_TIME = text("select pg_advisory_xact_lock(hashtextextended('proof head ' || :org_id, 0))")
REMEDY = (
    "Stop every dispatcher, then run `leadflow dispatch --accept-restore --as NAME`: it asks the messenger what was "
    "sent, sets aside what cannot be proven unsent, and pauses the campaigns. Or restore a newer backup."
)


@dataclass(frozen=True)
class Anchor:
    """An end of the chain, as noted outside the database. `at`: instant of the note; nothing was asked of it later."""

    seq: int
    entry_hash: str
    at: dt.datetime


@dataclass(frozen=True)
class Lost:
    """A database that is older than its anchor. `known_until`: its last entry's instant; None where it has none."""

    anchor: Anchor
    seq: int
    entry_hash: str
    known_until: dt.datetime | None

    def refusal(self) -> DatabaseRestored:
        """What to tell whoever wants to send."""
        where = (
            f"it ends with entry {self.seq}"
            if self.seq < self.anchor.seq
            else f"its entry {self.anchor.seq} is another one"
        )
        since = f"of {_told(self.known_until)}" if self.known_until else "without any entry"
        return DatabaseRestored(
            f"Nothing is sent: the database was restored to an earlier state. Its proof is one {since} ({where}), but "
            f"entry {self.anchor.seq} was noted in the lake at {_told(self.anchor.at)}, before messages were sent.",
            remedy=REMEDY,
        )


def publish_head(database: Database, org: Org, settings: Settings, *, now: dt.datetime) -> None:
    """Notes the chain's head in the org's lake, never an earlier one than is there. Call it before asking a messenger.

    Dispatchers take turns, by a lock in the database: S3 has none. The login that dispatches may do this.
    Raises DatabaseRestored where the chain ends before the noted entry or with another in its place, LakeUnavailable
    where nothing can be noted.
    """
    files = open_lake(settings, org.slug).proof
    with database.as_org(org.org_id) as connection:
        connection.execute(ONE_AT_A_TIME, {"org_id": str(org.org_id)})
        seq, entry_hash = _head(connection, org)
        anchor = _read(files, org)
        if anchor is not None and (seq < anchor.seq or (seq == anchor.seq and entry_hash != anchor.entry_hash)):
            raise Lost(anchor, seq, entry_hash, None).refusal()
        if anchor is None or seq > anchor.seq:
            _write(files, org, Anchor(seq, entry_hash, max(now, anchor.at) if anchor else now))


def find_lost(database: Database, org: Org, settings: Settings) -> Lost | None:
    """What the database misses of its anchor, None where it is as new. It reads with the app's login."""
    anchor = _read(open_lake(settings, org.slug).proof, org)
    if anchor is None:
        return None
    entries = proof_entries.c
    with database.as_org(org.org_id) as connection:
        seq, entry_hash = _head(connection, org)
        noted = select(entries.entry_hash).where(entries.org_id == org.org_id, entries.seq == anchor.seq)
        if connection.execute(noted).scalar() == anchor.entry_hash:
            return None
        last = select(entries.happened_at).where(entries.org_id == org.org_id, entries.seq == seq)
        return Lost(anchor, seq, entry_hash, connection.execute(last).scalar())


def refuse_restored(database: Database, org: Org, settings: Settings) -> None:
    """Raises DatabaseRestored where the database is older than its anchor. It reads with the app's login."""
    if (lost := find_lost(database, org, settings)) is not None:
        raise lost.refusal()


def replace_anchor(database: Database, org: Org, settings: Settings, *, now: dt.datetime) -> None:
    """Notes the head as it is, in the place of any other: once somebody answers for what was lost."""
    with database.as_org(org.org_id) as connection:
        connection.execute(ONE_AT_A_TIME, {"org_id": str(org.org_id)})
        _write(open_lake(settings, org.slug).proof, org, Anchor(*_head(connection, org), now))


def _head(connection: Connection, org: Org) -> tuple[int, str]:
    heads = proof_heads.c
    head = connection.execute(select(heads.seq, heads.entry_hash).where(heads.org_id == org.org_id)).first()
    return (head.seq, head.entry_hash) if head else (0, FIRST)


def _path(org: Org) -> str:
    """By the org's identity: an org that is made anew under an old name has no past."""
    return f"proof/head-{org.org_id}.json"


def _read(files: ProofFiles, org: Org) -> Anchor | None:
    with _told_if_away():
        note = files.read_note(_path(org))
    if note is None:
        return None
    return Anchor(note["seq"], note["entry_hash"], dt.datetime.fromisoformat(note["at"]))


def _write(files: ProofFiles, org: Org, anchor: Anchor) -> None:
    with _told_if_away():
        files.write_note(_path(org), {**asdict(anchor), "at": anchor.at.isoformat()})


@contextmanager
def _told_if_away() -> Iterator[None]:
    try:
        yield
    except (OSError, PolarsError) as error:
        raise LakeUnavailable(
            f"The head of the proof cannot be noted in the lake: {type(error).__name__}. Nothing is sent without it.",
            remedy="Run `leadflow doctor`; check LEADFLOW_LAKE_URL and the rights on it.",
        ) from error


def _told(instant: dt.datetime) -> str:
    return f"{instant.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S} UTC"
