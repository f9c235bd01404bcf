"""Under which account of its own an org reads a do-not-call registry: stated by a member, kept, and asked for.

A seller's access may not be shared (16 CFR 310.8; 47 CFR 64.1200(c)(2)(i)(E)), so an import without a licence of the
org itself is refused. Not here: the lists (`registry_imports`, `registries`).
"""

import datetime as dt
import re
import uuid
from collections.abc import Collection
from dataclasses import asdict, dataclass

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from leadflow_pipelines.clearance.proof import ProofEntry, append_proof
from leadflow_pipelines.compliance import load_rules
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.database.tables import registry_licences
from leadflow_pipelines.errors import InvalidInput

FTC, LITIGATORS, STATE_PREFIX = "ftc", "litigators", "state:"
AREA_CODE = re.compile(r"[2-9]\d{2}")


@dataclass(frozen=True)
class Licence:
    """One subscription. `area_codes`: those the account covers; empty: all. Both days count."""

    registry: str
    account: str
    area_codes: tuple[str, ...]
    valid_from: dt.date
    valid_to: dt.date
    attested_by: str
    attested_at: dt.datetime


def known_registry(name: str) -> str:
    """The registry's name as it is kept. Raises InvalidInput where there is none of that name."""
    kind, _, state = name.partition(":")
    written = f"{kind.lower()}:{state.upper()}" if state else name.lower()
    if written in (FTC, LITIGATORS):
        return written
    if written.startswith(STATE_PREFIX) and written.removeprefix(STATE_PREFIX) in load_rules().calling_rules:
        return written
    raise InvalidInput(
        f"There is no do-not-call registry {name!r}.",
        remedy="Name ftc, a state's own list such as state:TX, or litigators.",
    )


def save_licence(connection: Connection, org: Org, licence: Licence) -> None:
    """Keeps the licence in the place of an earlier one of the registry, with its proof, in the caller's transaction.

    Raises InvalidInput for a licence that cannot be.
    """
    _check(licence)
    row = {**asdict(licence), "area_codes": list(licence.area_codes), "org_id": org.org_id}
    added = insert(registry_licences).values(row)
    changed = {name: added.excluded[name] for name in row if name not in ("org_id", "registry")}
    connection.execute(added.on_conflict_do_update(index_elements=["org_id", "registry"], set_=changed))
    facts = {
        "act": "licence",
        "registry": licence.registry,
        "account": licence.account,
        "area_codes": list(licence.area_codes),
        "valid_from": licence.valid_from.isoformat(),
        "valid_to": licence.valid_to.isoformat(),
        "by": licence.attested_by,
    }
    entry = ProofEntry(uuid.uuid4(), "registry_version", None, licence.attested_at, facts)
    append_proof(connection, org.org_id, [entry])


def find_licences(connection: Connection, org: Org) -> list[Licence]:
    """The org's licences, by registry."""
    columns = [registry_licences.c[name] for name in Licence.__dataclass_fields__]
    found = connection.execute(
        select(*columns).where(registry_licences.c.org_id == org.org_id).order_by(registry_licences.c.registry)
    )
    return [Licence(**{**row, "area_codes": tuple(row["area_codes"])}) for row in found.mappings()]


def licence_for(connection: Connection, org: Org, registry: str, day: dt.date) -> Licence:
    """The org's own licence of a registry, in force on a day. Raises InvalidInput where there is none."""
    licence = next((one for one in find_licences(connection, org) if one.registry == registry), None)
    command = f"leadflow dnc licence {registry} --account NUMBER --from DAY --to DAY --org {org.slug}"
    if licence is None:
        raise InvalidInput(
            f"{org.slug} has stated no licence of its own for {registry}.",
            remedy=f"Access is per seller and may not be shared. Subscribe for {org.slug}, then state it: {command}",
        )
    if not licence.valid_from <= day <= licence.valid_to:
        raise InvalidInput(
            f"{org.slug}'s licence for {registry} held from {licence.valid_from} to {licence.valid_to}, not on {day}.",
            remedy=f"Renew the subscription, then state it: {command}",
        )
    return licence


def check_covered(licence: Licence, area_codes: Collection[str]) -> None:
    """Raises InvalidInput where a file holds area codes that the account does not cover."""
    outside = sorted(set(area_codes) - set(licence.area_codes)) if licence.area_codes else []
    if outside:
        raise InvalidInput(
            f"The file holds area codes that account {licence.account} does not cover: {', '.join(outside[:5])}.",
            remedy="Take the file that was downloaded under this org's own account, or state the licence anew.",
        )


def _check(licence: Licence) -> None:
    if not licence.account.strip():
        raise InvalidInput("A licence has an account.", remedy="Name the registry's number of the subscription.")
    if licence.valid_from > licence.valid_to:
        raise InvalidInput("The licence ends before it begins.", remedy="Name the days of the subscription.")
    wrong = [code for code in licence.area_codes if not AREA_CODE.fullmatch(code)]
    if wrong:
        raise InvalidInput(f"{wrong[0]!r} is no area code.", remedy="Three digits, e.g. 202.")
