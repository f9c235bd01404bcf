"""`leadflow explain contact` and `explain message`: the whole case, with rules, evidence, consents and fates."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadflow_pipelines.cli.acting import NOT_ADVICE
from leadflow_pipelines.cli.console import JsonOption, OrgOption, out, print_json, print_table
from leadflow_pipelines.cli.session import open_session
from leadflow_pipelines.errors import InvalidInput

if TYPE_CHECKING:
    import polars as pl

    from leadflow_pipelines.outreach.case import Case
    from resources.workspace import Workspace

LIST_FACTS = ("states", "zones", "calling_windows", "next_open_at", "valid_until", "rule_version", "evidence_hash")


def contact(
    named: Annotated[str, typer.Argument(help="Contact point id as in a list, phone number, or e-mail address.")],
    org: OrgOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say everything about a contact: cleared or blocked and why, decisions, consents, suppressions, messages.

    Each decision names its rules and shows what it looked at. What was erased says so.
    """
    from leadflow_pipelines.outreach.case import contact_case

    workspace = open_session(org)
    with workspace.database.as_org(workspace.org.org_id) as connection:
        hashes, value = _hashes(connection, workspace, named)
        case = contact_case(connection, workspace.org.org_id, hashes) if hashes else None
    lists = _lists(workspace, named, value)
    if lists.is_empty() and (case is None or not _is_known(case)):
        raise InvalidInput(f"Nothing is known of a contact {named!r}.", remedy="Give its id, number or e-mail address.")
    if as_json:
        print_json({"contact_point_id": named, "channels": lists.to_dicts(), **(asdict(case) if case else {}),
                    "note": NOT_ADVICE})  # fmt: skip
        return
    _print_lists(lists)
    if case:
        _print_case(case)
    out.print(NOT_ADVICE)


def message(
    message_id: Annotated[str, typer.Argument(help="Message id, as `explain contact` shows it.")],
    org: OrgOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say everything about a message: who approved it, why it could go, what was sent, and what came back."""
    from leadflow_pipelines.outreach.case import message_case

    workspace = open_session(org)
    try:
        wanted = uuid.UUID(message_id)
    except ValueError as error:
        raise InvalidInput(f"{message_id!r} is no message id.", remedy="`explain contact` shows them.") from error
    with workspace.database.as_org(workspace.org.org_id) as connection:
        case = message_case(connection, workspace.org.org_id, wanted)
    if as_json:
        print_json({**case, "note": NOT_ADVICE})
        return
    row, campaign = case["message"], case["campaign"]
    out.print(f"[bold]Message {message_id}[/bold]: {row['channel']}, step {row['step']}, {row['state']}")
    for name in ("created_by", "reviewed_by", "approved_by"):
        out.print(f"  {campaign['name']} {name.replace('_', ' ')} {campaign[name] or '-'}", markup=False)
    for name in ("contact_value", "sender", "body", "body_sha256", "error_code", "provider_id", "attempted_at"):
        value = "erased" if case["is_erased"] and name in ("contact_value", "body") else row[name]
        if value is not None:
            out.print(f"  {name}: {value}", markup=False, soft_wrap=True)
    out.print()
    _print_decisions(case["decisions"])
    _print_rules(case["rule_versions"], case["list_versions"])
    _rows("What became of it", case["fate"], ("happened_at", "facts"), join=_facts)
    _rows("As the messenger told it", case["events"], ("received_at", "status", "error_code"))
    _rows("Links followed", case["clicks"], ("clicked_at", "link", "is_counted"))
    _rows("Replies", case["replies"], ("received_at", "reply_class", "body", "handled_by"))
    out.print(NOT_ADVICE)


def _hashes(connection: Any, workspace: "Workspace", named: str) -> tuple[list[str], str | None]:
    """Under which hashes a contact is known, and its value where that is known: by itself, else by its point."""
    from leadflow_pipelines.clearance.hash_keys import load_hash_keys
    from leadflow_pipelines.compliance.contact_hash import all_hashes
    from leadflow_pipelines.outreach.campaigns.own_people import phone_e164
    from leadflow_pipelines.outreach.case import hashes_of_point, value_of_point

    keys, org_id = load_hash_keys(workspace.settings), workspace.org.org_id
    if "@" in named:
        return all_hashes("email", named, keys), named.lower()
    if phone := phone_e164(named):
        return all_hashes("phone", phone, keys), phone
    value = value_of_point(connection, org_id, named)
    if value is None:
        return hashes_of_point(connection, org_id, named), None
    kind = "email" if "@" in value else "phone" if phone_e164(value) else "mailing"
    return all_hashes(kind, value, keys), value


def _lists(workspace: "Workspace", named: str, value: str | None) -> "pl.DataFrame":
    """Its rows on the latest day of the outreach lists."""
    import polars as pl

    from leadflow_pipelines.contracts import OUTREACH_LISTS

    where = pl.col("contact_point_id") == named
    if value is not None:
        where |= pl.col("contact_value") == value
    lists = workspace.lake.read(OUTREACH_LISTS, where=where)
    return lists.filter(pl.col("day") == pl.col("day").max()).sort("contact_point_id", "channel")


def _is_known(case: "Case") -> bool:
    return any((case.decisions, case.acts, case.consents, case.suppressions, case.messages, case.replies))


def _print_lists(lists: "pl.DataFrame") -> None:
    from leadflow_pipelines.outreach.case import in_words

    for row in lists.iter_rows(named=True):
        colour = "green" if row["verdict"] == "cleared" else "red"
        out.print(f"[bold]{row['channel']}[/bold]: [{colour}]{row['verdict']}[/{colour}] on {row['day']}")
        for reason in in_words(row["reason_codes"]):
            out.print(f"  {reason['code']}: {reason['text']} {reason['remedy']}", markup=False)
        for name in LIST_FACTS:
            if row[name]:
                value = ", ".join(row[name]) if isinstance(row[name], list) else row[name]
                out.print(f"  {name}: {value}", markup=False, soft_wrap=True)
        out.print()


def _print_case(case: "Case") -> None:
    if case.is_erased:
        out.print("[bold]The person was erased:[/bold] values and evidence are gone, hashes and codes remain.\n")
    given = ("channel", "purpose", "kind", "given_to", "captured_at", "expires_at", "revoked_at", "revoked_by")
    _rows("Consents", case.consents, given)
    for one in case.consents:
        out.print(f"  Words of {one['captured_at']:%Y-%m-%d}, {one['source']}: {one['wording']}", markup=False)
        if one["evidence_path"]:
            out.print(f"  Shown by {one['evidence_path']} (sha256 {one['evidence_sha256']})", markup=False)
    _rows("Suppressions", case.suppressions, ("kind", "origin", "reason", "source", "suppressed_at", "lifted_at"))
    _print_decisions(case.decisions)
    _print_rules(case.rule_versions, case.list_versions)
    _rows("Messages", case.messages,
          ("message_id", "channel", "step", "state", "attempted_at", "settled_at", "error_code"))  # fmt: skip
    for one in case.messages:
        if one["attempted_at"]:
            out.print(f"  Sent as: {one['body'] or 'erased'}", markup=False, soft_wrap=True)
    _rows("Replies", case.replies, ("received_at", "channel", "reply_class", "body", "handled_by"))
    _rows("Acts in the chain of proof", case.acts, ("seq", "happened_at", "kind", "facts"), join=_facts)


def _print_decisions(decisions: Iterable[Mapping[str, Any]]) -> None:
    """Each decision with its rules, its reasons in words and what it looked at."""
    import orjson

    for one in decisions:
        facts = one["facts"]
        out.print(
            f"[bold]Decision {one['seq']}[/bold] of {one['happened_at']:%Y-%m-%d %H:%M:%S} UTC: {facts['verdict']} "
            f"for {facts.get('channel', '-')}"
        )
        for reason in one["reasons"]:
            out.print(f"  {reason['code']}: {reason['text']} {reason['remedy']}", markup=False)
        looked_at = one["evidence"] if isinstance(one["evidence"], str) else orjson.dumps(one["evidence"]).decode()
        out.print(f"  rules: {facts.get('rule_version')}", markup=False)
        out.print(f"  looked at: {looked_at}", markup=False, soft_wrap=True)
        out.print(f"  evidence hash: {one['evidence_hash']}, entry hash: {one['entry_hash']}", soft_wrap=True)
        out.print()


def _print_rules(rules: Sequence[Mapping[str, Any]], lists: Sequence[Mapping[str, Any]]) -> None:
    _rows("Rules that decided", rules, ("rule_version", "is_packaged", "registered_at"))
    _rows("Do-not-call lists that answered", lists, ("version_id", "registry", "as_of", "imported_by", "file_sha256"))


def _rows(title: str, rows: Sequence[Mapping[str, Any]], names: Sequence[str], join: Any = None) -> None:
    """A table where there is anything to show."""
    if not rows:
        return
    told = [[join(row[name]) if join and name == "facts" else row[name] for name in names] for row in rows]
    print_table(title, [name.replace("_", " ") for name in names], told)


def _facts(facts: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in facts.items() if value not in (None, [], {}))
