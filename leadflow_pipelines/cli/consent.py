"""`leadflow consent`: the consent log of an org."""

import datetime as dt
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import orjson
import typer

from leadflow_pipelines.cli.acting import ActorOption, actor
from leadflow_pipelines.cli.console import JsonOption, OrgOption, out, print_json, print_table
from leadflow_pipelines.cli.session import open_session
from leadflow_pipelines.errors import InvalidInput

app = typer.Typer(no_args_is_help=True)
ContactArgument = Annotated[str, typer.Argument(help="Phone number, e-mail address or mailing line.")]
FAULTS_SHOWN = 20


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="CSV file, UTF-8, with a header.", exists=True, dir_okay=False)],
    as_name: ActorOption = None,
    org: OrgOption = None,
    as_json: JsonOption = False,
) -> None:
    """Record the consents of a CSV file.

    Columns: contact, channel (sms, voice, email, mail), purpose, kind (express_written, express, …), given_to (the
    organisation the wording names), wording (the exact words), source, captured_at; optional expires_at and
    evidence_file (beside the CSV; it is copied). A row that cannot be used is named and left out; the others count.
    Importing a file again records nothing twice. Exits 1 where a row was left out.
    """
    from leadflow_pipelines.clearance.consent_files import read_consents
    from leadflow_pipelines.clearance.consents import record_consents
    from leadflow_pipelines.clearance.hash_keys import load_hash_keys

    workspace, now = open_session(org), dt.datetime.now(dt.UTC)
    consents, faults = read_consents(file, zone=workspace.settings.zone, now=now)
    with workspace.database.as_org(workspace.org.org_id) as connection:
        keys = load_hash_keys(workspace.settings)
        name = actor(as_name)
        new = record_consents(
            connection, workspace.org, consents, keys, actor=name, now=now, settings=workspace.settings
        )
    if as_json:
        told = {"rows_in": len(consents) + len(faults), "consents": len(consents), "new": new, "rejected": len(faults)}
        print_json({**told, "faults": [asdict(fault) for fault in faults[:FAULTS_SHOWN]]})
    else:
        out.print(
            f"{new:,} consents recorded, {len(consents) - new:,} known already or of erased people, "
            f"{len(faults):,} rows left out."
        )
        if faults:
            rows = [(fault.row, fault.column, fault.message, fault.remedy) for fault in faults[:FAULTS_SHOWN]]
            print_table(f"Left out of {file.name}", ["row", "column", "what is wrong", "what to do"], rows)
    if faults:
        raise typer.Exit(1)


@app.command("record")
def record(
    contact: ContactArgument,
    channel: Annotated[str, typer.Option(help="sms, voice, email or mail.")],
    wording: Annotated[str, typer.Option(help="The exact words the person agreed to.")],
    source: Annotated[str, typer.Option(help="Where it was given: form, call or paper.")],
    given_to: Annotated[str, typer.Option(help="The organisation that the wording names.")],
    captured_at: Annotated[str, typer.Option(metavar="INSTANT", help="When, like 2026-05-04T15:30:00-05:00.")],
    kind: Annotated[str, typer.Option(help="express_written, express, inquiry or transaction.")] = "express_written",
    purpose: Annotated[str, typer.Option(help="What for.")] = "marketing",
    evidence: Annotated[Path | None, typer.Option(help="File that shows it; it is copied.", exists=True)] = None,
    as_name: ActorOption = None,
    org: OrgOption = None,
    as_json: JsonOption = False,
) -> None:
    """Record one consent. It counts only for the org that its wording names (`leadflow profile set --sender-name`)."""
    from leadflow_pipelines.clearance.consents import Consent, record_consents
    from leadflow_pipelines.clearance.hash_keys import load_hash_keys
    from leadflow_pipelines.compliance.instants import instant_of

    workspace, now = open_session(org), dt.datetime.now(dt.UTC)
    try:
        instant = instant_of(captured_at, workspace.settings.zone)
    except ValueError as error:
        wrong, _, wanted = str(error).partition("; ")
        raise InvalidInput(f"--captured-at {wrong}.", remedy=f"{wanted[0].upper()}{wanted[1:]}.") from error
    given = Consent(contact, channel, purpose, kind, given_to, wording, source, instant, None, evidence)
    with workspace.database.as_org(workspace.org.org_id) as connection:
        keys = load_hash_keys(workspace.settings)
        new = record_consents(
            connection, workspace.org, [given], keys, actor=actor(as_name), now=now, settings=workspace.settings
        )
    if as_json:
        print_json({"new": new})
    else:
        out.print("Recorded." if new else "Not recorded: it is in the log already, or the contact was erased.")


@app.command("revoke")
def revoke(
    contact: ContactArgument,
    reason: Annotated[str, typer.Option(help="How the person withdrew, e.g. by phone on that day.")],
    as_name: ActorOption = None,
    org: OrgOption = None,
    as_json: JsonOption = False,
) -> None:
    """The person withdrew: end every consent of the contact and suppress it, on every channel, at once."""
    from leadflow_pipelines.clearance.consents import end_consents
    from leadflow_pipelines.clearance.hash_keys import load_hash_keys
    from leadflow_pipelines.clearance.members import require_member
    from leadflow_pipelines.clearance.suppressions import Suppression, kind_of, suppress

    workspace, now = open_session(org), dt.datetime.now(dt.UTC)
    kind, keys = kind_of(contact), load_hash_keys(workspace.settings)
    with workspace.database.as_org(workspace.org.org_id) as connection:
        name = require_member(connection, actor(as_name))
        ended = end_consents(connection, workspace.org.org_id, {(kind, contact): name}, keys, now=now)
        wish = Suppression(kind, contact, "revocation", reason, name)
        suppress(connection, workspace.org.org_id, [wish], keys, now=now)
    if as_json:
        print_json({"revoked": ended, "suppressed": True})
    else:
        out.print(f"{ended} consents ended, and the contact is suppressed.")


@app.command("export")
def export(
    contact: ContactArgument,
    to: Annotated[Path | None, typer.Option(help="File to write. Default: stdout.")] = None,
    org: OrgOption = None,
) -> None:
    """Everything the org can show about one contact, for a dispute, as JSON: consents with wording and evidence file,
    suppressions, and the entries of the proof about it."""
    from leadflow_pipelines.clearance.consents import consent_case
    from leadflow_pipelines.clearance.hash_keys import load_hash_keys
    from leadflow_pipelines.clearance.suppressions import kind_of

    workspace = open_session(org)
    with workspace.database.as_org(workspace.org.org_id) as connection:
        keys = load_hash_keys(workspace.settings)
        case = consent_case(connection, workspace.org, kind_of(contact), contact, keys)
    if to is None:
        print_json(case)
        return
    to.write_bytes(orjson.dumps(case, default=str, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS) + b"\n")
    to.chmod(0o600)
    out.print(f"{len(case['consents'])} consents written to {to}.")
