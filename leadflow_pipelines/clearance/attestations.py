"""For what an org may look people up: a statement in exact words, by a named member. Skip tracing needs one.

Not here: the vendors (`providers`).
"""

import datetime as dt
import uuid
from dataclasses import asdict, dataclass
from types import MappingProxyType

from sqlalchemy import Connection, insert, select, update

from leadflow_pipelines.clearance.members import require_member
from leadflow_pipelines.clearance.proof import ProofEntry, append_proof
from leadflow_pipelines.compliance import lawful
from leadflow_pipelines.database.tables import attestations
from leadflow_pipelines.errors import InvalidInput

PURPOSES = MappingProxyType(
    {
        "property_acquisition": "to offer to buy real property from its owner",
        "property_listing": "to offer real-estate brokerage to the owner of real property",
    }
)
"""What a person may be looked up for, in words."""
WORDING = (
    "I state for my organisation that it looks people up only {what}; that it will not use what it learns to decide"
    " about credit, housing, employment or insurance, nor for any other purpose of 15 USC 1681b; and that it keeps"
    " the terms of the vendor it asks."
)


@dataclass(frozen=True)
class Attestation:
    """One statement. `withdrawn_at` is None while it stands."""

    attestation_id: uuid.UUID
    purpose: str
    wording: str
    attested_by: str
    attested_at: dt.datetime
    withdrawn_at: dt.datetime | None


def wording_of(purpose: str) -> str:
    """The words to be agreed to. Raises InvalidInput for a purpose that is refused or not known."""
    lawful(purpose)
    if purpose not in PURPOSES:
        raise InvalidInput(
            f"People are not looked up for {purpose!r}.", remedy=f"The purposes are {', '.join(PURPOSES)}."
        )
    return WORDING.format(what=PURPOSES[purpose])


def attest(connection: Connection, org_id: uuid.UUID, *, purpose: str, actor: str, now: dt.datetime) -> Attestation:
    """Record that the actor agreed to the words of `wording_of(purpose)`. Raises InvalidInput as that does."""
    wording = wording_of(purpose)
    made = Attestation(uuid.uuid4(), purpose, wording, require_member(connection, actor), now, None)
    connection.execute(insert(attestations).values(org_id=org_id, **asdict(made)))
    _note(connection, org_id, "attested", purpose, made.attested_by, now, wording=wording)
    return made


def withdraw(connection: Connection, org_id: uuid.UUID, *, purpose: str, actor: str, now: dt.datetime) -> None:
    """End the org's statements for a purpose. Raises InvalidInput where none stands."""
    table, name = attestations, require_member(connection, actor)
    ended = connection.execute(
        update(table).where(table.c.purpose == purpose, table.c.withdrawn_at.is_(None)).values(withdrawn_at=now)
    )
    if not ended.rowcount:
        raise InvalidInput(f"No attestation for {purpose!r} stands.", remedy="See `leadflow attest list`.")
    _note(connection, org_id, "withdrawn", purpose, name, now)


def list_attestations(connection: Connection) -> list[Attestation]:
    """Every statement of the org, newest first."""
    table = attestations.c
    chosen = select(*(column for column in table if column.name != "org_id")).order_by(table.attested_at.desc())
    return [Attestation(**row) for row in connection.execute(chosen).mappings()]


def has_attested(connection: Connection) -> bool:
    """Whether a statement for any of PURPOSES stands."""
    table = attestations.c
    standing = select(table.attestation_id).where(table.purpose.in_(PURPOSES), table.withdrawn_at.is_(None)).limit(1)
    return connection.execute(standing).first() is not None


def _note(
    connection: Connection, org_id: uuid.UUID, act: str, purpose: str, actor: str, now: dt.datetime, **more: str
) -> None:
    facts = {"act": act, "purpose": purpose, "by": actor, **more}
    append_proof(connection, org_id, [ProofEntry(uuid.uuid4(), "org_change", None, now, facts)])
