"""Words about leads for the commands that show leads, and `leadflow campaign draft-letter`."""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadflow_pipelines.cli.console import JsonOption, OrgOption, dollars, err, out, print_json, progress
from leadflow_pipelines.cli.session import open_session
from leadflow_pipelines.errors import InvalidInput

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from leadflow_pipelines.leads.lead_text import LeadText, Model
    from resources.workspace import Workspace

CHECKED = "Every figure stands in the lead's facts. A draft for a person to read; not legal advice."
WHY = {
    "answered": "", "repaired": ", after one refused answer", "no_key": ": no model is configured",
    "simulated_org": ": a simulated org asks no model outside this machine", "budget": ": the budget has no room",
    "refused_by_check": ": the model's answers were refused", "model_declined": ": the model declined",
    "provider_down": ": the model's endpoint fails and is left alone", "transient": ": the model did not answer",
    "terminal": ": the model's endpoint refused", "not_configured": ": no model is configured",
}  # fmt: skip


def summaries_of(
    workspace: "Workspace",
    leads: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]],
    *,
    max_spend_cents: Decimal | None = None,
) -> "list[LeadText]":
    """A summary for each lead, given as its row of signals and its score."""
    from leadflow_pipelines.leads.lead_text import summary_facts, write_summaries

    facts = [summary_facts(signals, score) for signals, score in leads]
    progress(f"Wording {len(facts):,} summaries")
    with _model(workspace, max_spend_cents) as model:
        return write_summaries(facts, model)


def told_of(text: "LeadText") -> str:
    """Who wrote a text and why, what it cost, and what was refused, for a person."""
    who = f"{text.model}" if text.written_by == "model" else "template"
    cents = f"{text.cost_cents.normalize():f} cents"
    cost = f", {dollars(text.cost_cents) if text.cost_cents >= 1 else cents}" if text.cost_cents else ""
    found = f" ({'; '.join(text.findings)})" if text.findings else ""
    return f"Written by {who}{WHY.get(text.why, '')}{cost}{found}."


def draft_letter(
    property_id: Annotated[str, typer.Argument(help="Lead whose kind it is for, as in `leadflow leads`.")],
    output: Annotated[Path | None, typer.Option("--output", help="Write the draft to this file.")] = None,
    org: OrgOption = None,
    as_json: JsonOption = False,
) -> None:
    """Draft a first letter for leads like this one, with merge fields in place of names.

    A draft: read it, change it, then keep it with `leadflow campaign template NAME --channel mail --file FILE`; a
    campaign is reviewed and approved by people as always. It states nothing that is true of one home only. A model
    words it where one is configured (LEADFLOW_LLM_*), else a template.
    """
    from leadflow_pipelines.leads.lead_text import draft_letters, letter_facts

    workspace = open_session(org)
    signals = _signals(workspace, property_id)
    with _model(workspace, None) as model:
        (draft,) = draft_letters([letter_facts(signals)], model)
    rule = _foreclosure_note(signals)
    if output is not None:
        _keep(draft.body, output)
    if as_json:
        told = {name: value for name, value in asdict(draft.told).items() if name != "text"}
        print_json(
            {"heading": draft.heading, "body": draft.body, "channel": "mail", "pre_foreclosure_rule": rule, **told}
        )
        return
    if output is None:
        out.print(draft.body, markup=False, soft_wrap=True)
        out.print()
    err.print(told_of(draft.told), markup=False)
    if rule:
        err.print(f"This lead is in pre-foreclosure, where that is regulated: {rule}.", markup=False)
    err.print(f"{CHECKED} Keep it once you agree with it:", markup=False)
    file = output or "FILE"
    err.print(
        f'  leadflow campaign template NAME --channel mail --subject "{draft.heading}" --file {file}',
        markup=False,
        soft_wrap=True,
    )


def _model(workspace: "Workspace", max_spend_cents: Decimal | None) -> "AbstractContextManager[Model]":
    """The configured model for this command, within a limit of its own where one is given."""
    from leadflow_pipelines.leads.lead_text import open_model
    from leadflow_pipelines.observability.correlation import new_correlation_id
    from leadflow_pipelines.spend.budget import open_run
    from leadflow_pipelines.spend.ledger import Origin

    run_id = None if max_spend_cents is None else str(uuid.uuid4())
    if run_id is not None and max_spend_cents is not None:
        with workspace.database.as_org(workspace.org.org_id) as connection:
            open_run(connection, workspace.org.org_id, run_id, max_spend_cents, dt.datetime.now(dt.UTC))
    return open_model(
        workspace.database,
        workspace.org,
        workspace.lake.raw,
        workspace.settings,
        clock=lambda: dt.datetime.now(dt.UTC),
        origin=Origin(run_id=run_id, correlation_id=new_correlation_id()),
    )


def _keep(body: str, output: Path) -> None:
    try:
        output.write_text(f"{body}\n", encoding="utf-8")
    except OSError as error:
        raise InvalidInput(f"{output} cannot be written: {error.strerror}.", remedy="Name another --output.") from error


def _signals(workspace: "Workspace", property_id: str) -> dict[str, Any]:
    """The lead's newest row. Raises InvalidInput where there is none."""
    import polars as pl

    from leadflow_pipelines.contracts import ENRICHED_LEADS

    rows = workspace.lake.read(ENRICHED_LEADS, where=pl.col("property_id") == property_id).sort("day")
    if rows.is_empty():
        raise InvalidInput(f"No lead has the id {property_id!r}.", remedy="List ids: leadflow leads --format csv")
    return rows.row(-1, named=True)


def _foreclosure_note(signals: Mapping[str, Any]) -> str | None:
    """The statute about buying from owners in foreclosure, where the lead is in it."""
    from leadflow_pipelines.compliance.foreclosure_rules import foreclosure_rules

    rule = foreclosure_rules(signals["day"]).get(signals["state"]) if signals.get("is_pre_foreclosure") else None
    return rule.statute if rule else None
