"""`leadflow doctor`: is everything in order, and what to do where it is not."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from leadflow_pipelines.cli.console import JsonOption, OrgOption, out, print_json
from leadflow_pipelines.errors import InvalidSettings, LeadflowError

if TYPE_CHECKING:
    from leadflow_pipelines.cli.checks import Finding

MARKS = {"ok": "[green]ok   [/green]", "note": "[yellow]note [/yellow]", "fault": "[red]FAULT[/red]"}


def doctor(org: OrgOption = None, as_json: JsonOption = False) -> None:
    """Check settings, database, clock, lake, providers, breakers, budgets, freshness and Dagster.

    Exits 1 where something is at fault; each fault says what to do.
    """
    findings = _examine(org)
    faults = [finding for finding in findings if finding.state == "fault"]
    if as_json:
        print_json({"findings": [asdict(finding) for finding in findings], "faults": len(faults)})
    else:
        for finding in findings:
            out.print(f"{MARKS[finding.state]} {finding.check:<10} {finding.text}", soft_wrap=True)
            if finding.remedy:
                out.print(f"{'':17}What to do: {finding.remedy}", soft_wrap=True)
    raise typer.Exit(1 if faults else 0)


def _examine(org: str | None) -> "list[Finding]":
    from leadflow_pipelines.cli.checks import CHECKS, Finding
    from leadflow_pipelines.cli.session import start
    from resources.workspace import open_workspace

    try:
        settings = start(org)
    except InvalidSettings as error:
        return [Finding("settings", "fault", fault, "Mend it in the environment or .env.") for fault in error.faults]
    findings = [Finding("settings", "ok", f"valid; home is {settings.home}")]
    try:
        workspace = open_workspace(settings, settings.org)
    except LeadflowError as error:
        return [*findings, Finding("database", "fault", error.message, error.remedy)]
    for name, check in CHECKS:
        try:
            findings += check(workspace)
        except LeadflowError as error:
            findings.append(Finding(name, "fault", error.message, error.remedy))
    return findings
