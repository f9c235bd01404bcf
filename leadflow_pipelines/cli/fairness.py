"""`leadflow models fairness`: who is selected, cleared and contacted, by the composition of their census tract."""

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadflow_pipelines.cli.console import DayOption, JsonOption, OrgOption, err, out, print_json, print_table
from leadflow_pipelines.cli.session import open_session, parse_day
from leadflow_pipelines.errors import InvalidInput

if TYPE_CHECKING:
    import polars as pl

    from resources.workspace import Workspace

NO_RULING = "This is no ruling: it shows where to look, not why, and says nothing of any one lead."
EXAMPLES = (
    "Example: leadflow models fairness --tracts tracts.csv --share renters --homes homes.csv  |  tracts.csv: "
    "tract,renters  |  homes.csv: parcel_number,tract"
)


def fairness(
    tracts: Annotated[
        Path,
        typer.Option(help="CSV or Parquet file of census tracts: tract (eleven digits) and shares from 0 to 1.",
                     exists=True, dir_okay=False),
    ],
    share: Annotated[str, typer.Option(help="Column of that file by which tracts are put in order.")],
    homes: Annotated[
        Path | None,
        typer.Option(help="CSV or Parquet file of homes: tract and property_id, parcel_number or address (with zip). "
                     "Default: what the Census geocoder said of the addresses it was asked about.",
                     exists=True, dir_okay=False),
    ] = None,
    top: Annotated[float, typer.Option(min=0.001, max=1.0, help="Share of the leads that counts as selected.")] = 0.05,
    zips: Annotated[list[str] | None, typer.Option("--zip", help="Only this ZIP; repeat for more.")] = None,
    day: DayOption = None,
    org: OrgOption = None,
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Show how often homes are selected, cleared and contacted, by quarters of census tracts.

    Tracts are put in order by a share that you bring (renters, incomes, origins: whatever you must watch) and cut into
    four groups of about as many homes. Selected are the best leads of the list, as `leadflow leads` orders them;
    cleared are those with a contact point cleared that day; contacted are those a campaign ever wrote to or called. A
    group whose rate lies below four fifths of the highest, and not by chance alone, deserves a look. Works offline; the
    files are read for this report alone, nothing of them is kept, and no model is ever given any of it.
    """
    import polars as pl

    from leadflow_pipelines.outcomes.tract_files import read_tracts
    from leadflow_pipelines.scoring import fairness_report

    workspace = open_session(org)
    chosen = parse_day(day, workspace.settings)
    shares = read_tracts(tracts, share)
    leads = _leads(workspace, chosen, zips)
    if leads.is_empty():
        _say_empty(as_json)
        return
    told, unknown = _tracts_of_homes(workspace, homes, chosen)
    placed = leads.rename({"property_id": "parcel_id"}).join(
        told.rename({"property_id": "parcel_id"}), on="parcel_id", how="left"
    )
    if placed["tract"].is_in(shares.drop_nulls()["tract"].implode()).sum() == 0:
        raise InvalidInput(
            f"None of the {leads.height:,} leads lies in a tract of {tracts.name}.",
            remedy="Compare the tracts of both files: eleven digits, state, county and tract."
            if homes else "Say which tract each home lies in: --homes FILE, with parcel_number,tract.",
        )  # fmt: skip
    report = fairness_report(placed, shares, share=share, top_share=top, by=("points", "probability"))
    if unknown:
        err.print(f"{unknown:,} rows of {homes and homes.name} name no home that the lake knows.", markup=False)
    if as_json:
        quarters = report.filter(pl.col("quarter").is_not_null()).to_dicts()
        nowhere = report.filter(pl.col("quarter").is_null()).to_dicts()
        print_json({
            "day": chosen, "share": share, "top": top, "leads": leads.height, "quarters": quarters,
            "unknown": nowhere[0] if nowhere else None, "unknown_rows": unknown, "note": NO_RULING,
        })  # fmt: skip
        return
    print_table(
        f"{leads.height:,} leads by share of {share} in their tract", _HEAD, map(_line, report.iter_rows(named=True))
    )
    out.print(f"Selected: the best {top:.1%} of the list. Contacted: ever, by any campaign.")
    if report["deserves_a_look"].any():
        out.print("Deserves a look: below four fifths of the highest rate, and not by chance alone.")
    out.print(NO_RULING)


_HEAD = ("tracts", "share", "homes", "selected", "cleared", "contacted", "")


def _line(row: dict[str, Any]) -> list[Any]:
    names = {1: "1 (least)", 4: "4 (most)", None: "unknown"}
    span = "-" if row["quarter"] is None else f"{row['share_from']:.2f}-{row['share_to']:.2f}"
    rates = [f"{row[name]:.1%}" for name in ("selection_rate", "clearance_rate", "contact_rate")]
    look = "deserves a look" if row["deserves_a_look"] else ""
    return [names.get(row["quarter"], str(row["quarter"])), span, row["homes"], *rates, look]


def _leads(workspace: "Workspace", day: dt.date, zips: list[str] | None) -> "pl.DataFrame":
    from leadflow_pipelines.outcomes.leads_reached import leads_reached
    from leadflow_pipelines.outcomes.on_record import campaign_leads

    with workspace.database.as_org(workspace.org.org_id) as connection:
        campaigns = campaign_leads(connection, workspace.org.org_id, zone=workspace.settings.zone)
    return leads_reached(workspace.lake, campaigns, day=day, zips=zips)


def _tracts_of_homes(workspace: "Workspace", homes: Path | None, day: dt.date) -> tuple["pl.DataFrame", int]:
    """property_id and tract, and how many rows of the file name no known home; what the file says stands first."""
    import polars as pl

    from leadflow_pipelines.outcomes.tract_files import geocoded_tracts, read_homes

    geocoded = geocoded_tracts(workspace.lake, day=day)
    if homes is None:
        return geocoded, 0
    told = read_homes(homes, workspace.lake, day=day)
    return pl.concat([told.homes, geocoded.join(told.homes, on="property_id", how="anti")]), told.unknown


def _say_empty(as_json: bool) -> None:
    if as_json:
        print_json({"leads": 0, "quarters": [], "unknown": None, "note": NO_RULING})
    else:
        err.print("There are no leads yet. Run `leadflow run --zip ...`, or import a county file first.")
