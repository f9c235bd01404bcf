"""`leadflow source crawl` and `leadflow source recipe-check`: county pages read by a YAML recipe."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from leadflow_pipelines.cli.console import DayOption, JsonOption, OrgOption, err, out, print_json, print_table, progress
from leadflow_pipelines.cli.session import open_session, parse_day, start

if TYPE_CHECKING:
    from leadflow_pipelines.providers.scraper.crawl import CrawlReport

RecipeArgument = Annotated[Path, typer.Argument(metavar="RECIPE", help="YAML file; docs/scraping.md tells how.")]
ENDINGS = {
    "finished": "Nothing is left to ask for.",
    "budget": "The day's pages are spent; the next day goes on where this one stopped.",
    "max_pages": "--max-pages is reached; the next run goes on.",
    "failures": "Several pages failed after one another; run it again once the site is well, or mend the recipe.",
}


def crawl(
    recipe: RecipeArgument,
    zips: Annotated[list[str], typer.Option("--zip", help="ZIP to ask for; repeat for more.")],
    streets: Annotated[
        list[str] | None, typer.Option("--street", help="Street, where the recipe searches by street; repeat for more.")
    ] = None,
    day: DayOption = None,
    max_pages: Annotated[int | None, typer.Option(min=1, help="Ask for at most so many pages in this run.")] = None,
    clear_stop: Annotated[
        bool, typer.Option("--clear-stop", help="Crawl again after the site said no and you settled it with its owner.")
    ] = False,
    org: OrgOption = None,
    as_json: JsonOption = False,
) -> None:
    """Crawl a county's pages, one after another, within the recipe's budget.

    robots.txt, the recipe's own limits and every no of the site are respected: a login, a CAPTCHA or a 403 stops the
    recipe and says what to do. What was fetched is never fetched again that day.
    """
    from leadflow_pipelines.cli.working_zips import working_zips
    from leadflow_pipelines.observability import current_correlation_id
    from leadflow_pipelines.providers.scraper.crawl import Crawl
    from leadflow_pipelines.providers.scraper.recipe import load_recipe
    from leadflow_pipelines.spend.ledger import Origin

    workspace = open_session(org)
    rules = load_recipe(recipe, today=parse_day(None, workspace.settings))
    run = Crawl(
        recipe=rules,
        day=parse_day(day, workspace.settings),
        database=workspace.database,
        org=workspace.org,
        raw=workspace.lake.raw,
        settings=workspace.settings,
        origin=Origin(correlation_id=current_correlation_id()),
        max_pages=max_pages,
    )
    if clear_stop and run.clear_stop():
        progress(f"{rules.name} was stopped; it crawls again.")
    progress(f"Crawling {rules.title} for {len(zips)} ZIP{'s' if len(zips) > 1 else ''}")
    report = run.run(working_zips(workspace, zips), streets or [])
    if as_json:
        print_json(report.as_json())
    else:
        _print(report)
    if "failed" in report.pages:
        raise typer.Exit(1)


def recipe_check(file: RecipeArgument, as_json: JsonOption = False) -> None:
    """Say everything that is wrong with a recipe, selectors included. Asks no site for anything."""
    from leadflow_pipelines.providers.scraper.crawl import check_recipe
    from leadflow_pipelines.providers.scraper.recipe import load_recipe

    settings = start()
    rules = load_recipe(file, today=parse_day(None, settings))
    check_recipe(rules, settings)
    if as_json:
        print_json({"name": rules.name, "title": rules.title, "site": rules.site, "is_valid": True})
    else:
        out.print(f"{file.name} is a valid recipe: {rules.title}, {rules.pages_per_day} pages a day.", markup=False)


def _print(report: "CrawlReport") -> None:
    states = ("done", "queued", "failed", "refused")
    print_table(
        f"{report.recipe} on {report.day}",
        ["asked for", "items", *states, "left today"],
        [[report.requests, report.items, *(report.pages.get(one, 0) for one in states), report.requests_left_today]],
    )
    for failure in report.failures:
        err.print(f"Failed: {failure}", markup=False)
    out.print(ENDINGS[report.ended_by])
