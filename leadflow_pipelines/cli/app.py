"""The command tree."""

import typer

from leadflow_pipelines.cli import (
    bench,
    crawl,
    database,
    dnc,
    doctor,
    explain,
    import_file,
    lake,
    leads,
    orgs,
    plan,
    review,
    run,
    sandbox,
    source,
    spend,
    up,
)

app = typer.Typer(
    name="leadflow",
    help="Property records into outreach lists that a team may lawfully contact.",
    epilog="Start with `make run`. Every command that reports takes --json.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(database.app, name="db", help="The embedded Postgres: start, stop, status.")
app.command("migrate")(database.migrate)
app.command("doctor")(doctor.doctor)
app.add_typer(orgs.app, name="org", help="Orgs (tenants): create, list.")
app.command("up")(up.up)
app.command("sandbox")(sandbox.sandbox)
app.command("import")(import_file.import_file)
source.app.command("crawl")(crawl.crawl)
source.app.command("recipe-check")(crawl.recipe_check)
app.add_typer(source.app, name="source", help="Free county tables and county pages: list, check, crawl.")
app.command("plan")(plan.plan)
app.command("run")(run.run)
app.command("leads")(leads.leads)
app.add_typer(
    explain.app,
    name="explain",
    help="Why a lead ranks where it does, a contact is cleared or blocked, records are one property.",
)
app.add_typer(dnc.app, name="dnc", help="Do-not-call lists, their licences, and vendors' look-ups.")
app.add_typer(review.app, name="review")
app.add_typer(spend.app, name="spend", help="What was spent, and the limits that hold.")
app.add_typer(lake.app, name="lake", help="The org's lake: digest, compact, vacuum.")
app.command("bench")(bench.bench)
