"""`leadflow rules` and `leadflow hold`: the dated rules an org decides by, and places it does not contact for now."""

import datetime as dt
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from leadflow_pipelines.cli.acting import NOT_ADVICE, ActorOption, actor
from leadflow_pipelines.cli.console import JsonOption, OrgOption, out, print_json, print_table, tell
from leadflow_pipelines.cli.session import in_org
from leadflow_pipelines.errors import InvalidInput

if TYPE_CHECKING:
    from leadflow_pipelines.compliance.rule_book import CallingRule

app = typer.Typer(no_args_is_help=True)
hold_app = typer.Typer(no_args_is_help=True)
ReasonOption = Annotated[str, typer.Option(help="Why, with the source.")]


@app.command("list")
def list_all(org: OrgOption = None, as_json: JsonOption = False) -> None:
    """The versions of the rules that ever decided here, and what the org changed."""
    from leadflow_pipelines.clearance.rule_store import list_changes, list_versions, org_rules

    now = dt.datetime.now(dt.UTC)
    with in_org(org) as (workspace, connection):
        current = org_rules(connection, workspace.org.org_id, now.date(), now=now).rule_version
        versions, changes = list_versions(connection), list_changes(connection)
    if as_json:
        told = {"current": current, "versions": versions, "changes": [asdict(change) for change in changes]}
        print_json({**told, "note": NOT_ADVICE})
        return
    rows = [(row["rule_version"], row["is_packaged"], row["registered_at"], row["rule_version"] == current)
            for row in versions]  # fmt: skip
    print_table("Versions", ["version", "packaged", "known since", "decides now"], rows)
    columns = ["kind", "table", "row", "values", "from", "reason", "by"]
    lines = [(row.kind, row.table_name, row.row_key, " ".join(f"{name}={value}" for name, value in
              row.new_values.items()), row.effective_from, row.reason, row.changed_by) for row in changes]  # fmt: skip
    print_table(f"What {workspace.org.slug} changed", columns, lines)
    out.print(NOT_ADVICE)


@app.command("show")
def show_rules(
    state: Annotated[str | None, typer.Option(help="One state, e.g. FL. Default: all.")] = None,
    org: OrgOption = None,
    as_json: JsonOption = False,
) -> None:
    """Calling hours, caps, sources and confidence of each state, as the org decides by them today."""
    from leadflow_pipelines.clearance.rule_store import org_rules

    now = dt.datetime.now(dt.UTC)
    with in_org(org) as (workspace, connection):
        book = org_rules(connection, workspace.org.org_id, now.date(), now=now)
    if state is not None and state.upper() not in book.calling_rules:
        raise InvalidInput(f"There is no state {state!r}.", remedy="Give two letters such as FL.")
    wanted = [state.upper()] if state else sorted(book.calling_rules)
    rules = [rule for name in wanted if (rule := book.calling_rule(name, now.date()))]
    if as_json:
        shown = [{**_hours(rule), **{name: getattr(rule, name) for name in RULE_FIELDS}} for rule in rules]
        print_json({"rule_version": book.rule_version, "states": shown, "note": NOT_ADVICE})
        return
    rows = [
        (*_hours(rule).values(), rule.is_closed_on_holidays, rule.max_per_24h, rule.confidence, rule.source)
        for rule in rules
    ]
    columns = ["state", "weekdays", "saturday", "sunday", "closed on holidays", "cap", "confidence", "source"]
    print_table(f"Rules {book.rule_version}", columns, rows)
    out.print(NOT_ADVICE)


RULE_FIELDS = ("is_closed_on_holidays", "also_in_zone", "max_per_24h", "applies_to_text", "confidence", "source")


def _hours(rule: "CallingRule") -> dict[str, str]:
    def told(day: int) -> str:
        window = rule.weekly[day]
        return "closed" if window is None else "-".join(f"{at // 60:02d}:{at % 60:02d}" for at in window)

    return {"state": rule.state, "weekdays": told(0), "saturday": told(5), "sunday": told(6)}


@app.command("tighten")
def tighten(
    table: Annotated[
        str, typer.Argument(help="state_calling_rules, parameters, holidays or wireless_restricted_states.")
    ],
    row: Annotated[str, typer.Argument(help="State, parameter or a holiday's name.")],
    reason: ReasonOption,
    values: Annotated[list[str] | None, typer.Argument(metavar="COLUMN=VALUE", help="What becomes stricter.")] = None,
    effective_from: Annotated[
        str | None, typer.Option("--from", metavar="YYYY-MM-DD", help="First day it counts. Default: today.")
    ] = None,
    as_name: ActorOption = None,
    org: OrgOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a rule stricter for the org; anything looser is refused.

    Examples: `rules tighten state_calling_rules FL weekday_start=10:00 --reason …`,
    `rules tighten holidays founders_day date=2026-12-24 --reason …`,
    `rules tighten parameters dnc_max_age_days value=20 --reason …`.
    """
    from leadflow_pipelines.clearance.rule_store import tighten as make_stricter
    from leadflow_pipelines.compliance.stricter_rules import Change

    if bad := [value for value in values or () if "=" not in value]:
        raise InvalidInput(f"{bad[0]!r} is no COLUMN=VALUE.", remedy="Write e.g. weekday_start=10:00.")
    given = dict(value.split("=", 1) for value in values or ())
    now = dt.datetime.now(dt.UTC)
    try:
        day = dt.date.fromisoformat(effective_from) if effective_from else now.date()
    except ValueError as error:
        raise InvalidInput(f"--from {effective_from!r} is not a date.", remedy="Write it like 2026-12-01.") from error
    with in_org(org) as (workspace, connection):
        made = make_stricter(
            connection, workspace.org.org_id, Change(table, row, given), effective_from=day, reason=reason,
            actor=actor(as_name), now=now,
        )  # fmt: skip
    tell(asdict(made), f"{table} {row} is stricter for {workspace.org.slug} from {day} on.", as_json=as_json)


@app.command("accept")
def accept(
    state: Annotated[str, typer.Argument(help="State whose hours are of low confidence.")],
    reason: ReasonOption,
    as_name: ActorOption = None,
    org: OrgOption = None,
    as_json: JsonOption = False,
) -> None:
    """Answer for a state's doubtful hours, so that a calling width of state_table may reach them."""
    from leadflow_pipelines.clearance.rule_store import accept_low_confidence

    with in_org(org) as (workspace, connection):
        made = accept_low_confidence(
            connection, workspace.org.org_id, state.upper(), reason=reason, actor=actor(as_name),
            now=dt.datetime.now(dt.UTC),
        )  # fmt: skip
    tell(asdict(made), f"{made.changed_by} answers for the hours of {made.row_key}.", as_json=as_json)


@hold_app.command("place")
def place(
    state: Annotated[str, typer.Argument(help="Two letters such as LA, or '*' for everywhere.")],
    reason: ReasonOption,
    channel: Annotated[list[str] | None, typer.Option(help="sms, voice, mail or email; repeat. Default: all.")] = None,
    as_name: ActorOption = None,
    org: OrgOption = None,
    as_json: JsonOption = False,
) -> None:
    """Hold all contact to a state from this moment on, queued messages included, until the hold is lifted."""
    from leadflow_pipelines.clearance.holds import place_hold
    from leadflow_pipelines.contracts import CHANNELS

    with in_org(org) as (workspace, connection):
        hold = place_hold(
            connection, workspace.org.org_id, state=state, channels=channel or CHANNELS, reason=reason,
            actor=actor(as_name), now=dt.datetime.now(dt.UTC),
        )  # fmt: skip
    line = f"{hold.state} is held for {', '.join(hold.channels)}. Lift it: leadflow hold lift {hold.hold_id}"
    tell(asdict(hold), line, as_json=as_json)


@hold_app.command("lift")
def lift(
    hold_id: Annotated[UUID, typer.Argument(help="Identity of the hold (`leadflow hold list`).")],
    as_name: ActorOption = None,
    org: OrgOption = None,
    as_json: JsonOption = False,
) -> None:
    """End a hold."""
    from leadflow_pipelines.clearance.holds import lift_hold

    with in_org(org) as (workspace, connection):
        lift_hold(connection, workspace.org.org_id, hold_id, actor=actor(as_name), now=dt.datetime.now(dt.UTC))
    tell({"hold_id": str(hold_id), "lifted": True}, "The hold is lifted.", as_json=as_json)


@hold_app.command("list")
def list_holds(
    with_lifted: Annotated[bool, typer.Option("--with-lifted", help="Those that were lifted, too.")] = False,
    org: OrgOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the holds."""
    from leadflow_pipelines.clearance import holds

    with in_org(org) as (workspace, connection):
        found = holds.list_holds(connection, with_lifted=with_lifted)
    if as_json:
        print_json({"holds": [asdict(hold) for hold in found]})
        return
    rows = [(str(hold.hold_id), hold.state, ", ".join(hold.channels), hold.reason, hold.held_from, hold.placed_by,
             hold.lifted_at) for hold in found]  # fmt: skip
    print_table(f"Holds of {workspace.org.slug}", ["hold", "state", "channels", "reason", "from", "by", "lifted"], rows)
