"""`leadflow dnc needed`: the look-ups that a day's lists or a campaign wait for, their price, and buying them."""

import datetime as dt
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadflow_pipelines.cli.acting import NOT_ADVICE
from leadflow_pipelines.cli.console import DayOption, JsonOption, OrgOption, dollars, err, out, print_json, progress
from leadflow_pipelines.cli.plan import print_plan
from leadflow_pipelines.cli.session import open_session, parse_day

if TYPE_CHECKING:
    from leadflow_pipelines.clearance.needed_lookups import Needed
    from leadflow_pipelines.clearance.number_lookups import LookedUp
    from leadflow_pipelines.spend.plan import Plan
    from resources.workspace import Workspace


def needed(
    zip_codes: Annotated[list[str] | None, typer.Option("--zip", help="ZIP of the day's lists. Default: all.")] = None,
    day: DayOption = None,
    campaign: Annotated[
        str | None, typer.Option(help="A reviewed campaign: its own audience instead of the day's lists.")
    ] = None,
    provider: Annotated[str, typer.Option(help="dncscrub or realphonevalidation.")] = "dncscrub",
    buy: Annotated[bool, typer.Option("--buy", help="Buy them, within the org's budget.")] = False,
    org: OrgOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show which numbers wait for a look-up and for nothing else, and what buying the answers would cost.

    A number is blocked until a fresh answer says that it is on no do-not-call list, and, where it is texted on a
    consent older than a month, that it did not change hands since. Numbers that are blocked for another reason too are
    left out: an answer would not clear them. With --buy the answers are bought within the budget; what it does not
    reach stays blocked. A campaign is decided anew when it sends; lists, when the day is run again.
    """
    workspace, now = open_session(org), dt.datetime.now(dt.UTC)
    found = _needed(workspace, zip_codes or [], day, campaign, now)
    planned = _plan(workspace, found, provider, now)
    bought = _buy(workspace, found, provider, now) if buy else {}
    if as_json:
        told = {"dnc": len(found.dnc), "reassigned": len(found.reassigned), "plan": planned.as_json(),
                "bought": {kind: asdict(one) for kind, one in bought.items()}, "note": NOT_ADVICE}  # fmt: skip
        print_json({"org": workspace.org.slug, "provider": provider, **told})
        return
    out.print(
        f"{len(found.dnc):,} numbers wait for a do-not-call answer, {len(found.reassigned):,} for the word that they "
        "did not change hands, and for nothing else."
    )
    if planned.lines and not buy:
        print_plan(planned, f"What {provider} would ask")
        out.print("Buy them: the same command with --buy.")
    for kind, one in bought.items():
        out.print(
            f"{kind}: {one.asked:,} asked for {dollars(one.cost_cents)}: {one.yes:,} hits, {one.no:,} clean, "
            f"{one.unknown:,} unknown, {one.unanswered:,} without an answer; {one.kept:,} were known."
        )
        for note in one.notes:
            err.print(note, markup=False)
    out.print(NOT_ADVICE)


def _needed(
    workspace: "Workspace", zips: list[str], day: str | None, campaign: str | None, now: dt.datetime
) -> "Needed":
    from leadflow_pipelines.clearance.needed_lookups import needed_among, needed_of_lists
    from leadflow_pipelines.outreach.campaigns.campaigns import load_campaign
    from leadflow_pipelines.outreach.rehearsal.preview import audience_people

    settings = workspace.settings
    with workspace.database.as_org(workspace.org.org_id) as connection:
        if campaign is None:
            of_day = parse_day(day, settings)
            return needed_of_lists(connection, workspace.org, zips=zips, day=of_day, now=now, settings=settings)
        loaded = load_campaign(connection, workspace.org.org_id, campaign)
        people = audience_people(connection, workspace.org.org_id, loaded)
        return needed_among(connection, workspace.org, people, purpose=loaded.purpose, now=now, settings=settings)


def _plan(workspace: "Workspace", found: "Needed", provider: str, now: dt.datetime) -> "Plan":
    from leadflow_pipelines.spend.plan import Demand, plan_pulls
    from leadflow_pipelines.spend.price_book import load_price_book

    today = now.astimezone(workspace.settings.zone).date()
    demands = [Demand(calls, calls[0], about_things=True) for calls in found.calls(provider, today).values()]
    with workspace.database.as_org(workspace.org.org_id) as connection:
        return plan_pulls(connection, workspace.org.org_id, load_price_book(), demands, budget_day=today)


def _buy(workspace: "Workspace", found: "Needed", provider: str, now: dt.datetime) -> "dict[str, LookedUp]":
    from leadflow_pipelines.clearance.number_lookups import look_up_numbers
    from leadflow_pipelines.providers.guard.guard import open_guard

    asked: dict[str, dict[str, Any]] = {}
    if found.dnc:
        asked["dnc"] = {"phones": found.dnc}
    if found.reassigned:
        phones, since = zip(*found.reassigned, strict=True)
        asked["reassigned"] = {"phones": phones, "since": since}
    bought = {}
    with open_guard(
        database=workspace.database, org_id=workspace.org.org_id, raw=workspace.lake.raw, settings=workspace.settings,
        clock=lambda: dt.datetime.now(dt.UTC), is_simulated=workspace.org.is_simulated,
    ) as guard:  # fmt: skip
        for kind, one in asked.items():
            progress(f"Asking {provider} about {len(one['phones']):,} numbers ({kind})")
            bought[kind] = look_up_numbers(
                workspace.database, workspace.org, guard, workspace.lake, provider=provider, kind=kind, now=now,
                settings=workspace.settings, **one,
            )  # fmt: skip
    return bought
