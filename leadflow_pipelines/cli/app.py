"""The command tree."""

import typer

from leadflow_pipelines.cli import (
    backtest,
    bench,
    campaign,
    campaign_by_hand,
    consent,
    crawl,
    database,
    dispatch,
    dnc,
    doctor,
    explain,
    gateway,
    import_file,
    lake,
    lead_texts,
    leads,
    models,
    orgs,
    outcome,
    people,
    plan,
    profile,
    proof,
    replies,
    review,
    rules,
    run,
    sandbox,
    source,
    spend,
    suppress,
    up,
)

app = typer.Typer(
    name="leadflow",
    help="Property records into outreach lists that a team may lawfully contact.",
    epilog="Start with `make run`. Every command that reports takes --json.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",  # paragraphs flow to the width of the terminal
    add_completion=False,
)
app.add_typer(database.app, name="db", help="The embedded Postgres: start, stop, status.")
app.command("migrate")(database.migrate)
app.command("doctor")(doctor.doctor)
app.add_typer(orgs.app, name="org", help="Orgs (tenants): create, list.")
app.command("up")(up.up)
app.command("dispatch")(dispatch.dispatch)
app.command("gateway")(gateway.gateway)
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
campaign.app.command("draft-letter")(lead_texts.draft_letter)
campaign.app.command("letters")(campaign_by_hand.letters)
campaign.app.command("returned")(campaign_by_hand.returned)
campaign.app.command("bounces")(campaign_by_hand.bounces)
campaign.app.command("call-sheet")(campaign_by_hand.call_sheet)
campaign.app.command("call-result")(campaign_by_hand.call_result)
app.add_typer(campaign.app, name="campaign")
app.add_typer(consent.app, name="consent", help="Who agreed to what: import, record, revoke, export.")
app.add_typer(suppress.app, name="suppress", help="Whom nobody of the org contacts: add, list.")
app.add_typer(rules.app, name="rules", help="The dated rules: list, show, tighten, accept.")
app.add_typer(rules.hold_app, name="hold", help="Places not contacted for now: place, lift, list.")
app.add_typer(people.app, name="member", help="Who acts for the org: add, remove, list.")
app.add_typer(people.attest_app, name="attest", help="For what the org looks people up: purpose, withdraw, list.")
app.add_typer(profile.app, name="profile", help="How the org presents itself, and its limits: show, set.")
app.add_typer(profile.sender_app, name="sender", help="Numbers the org texts from: add, list.")
app.add_typer(replies.app, name="replies", help="What people answered: list, handle, poll.")
app.add_typer(outcome.app, name="outcome")
app.add_typer(proof.app, name="proof")
app.command("replay")(proof.replay)
app.command("forget")(proof.forget)
app.add_typer(review.app, name="review")
app.add_typer(spend.app, name="spend", help="What was spent, and the limits that hold.")
app.add_typer(lake.app, name="lake", help="The org's lake: digest, compact, vacuum.")
app.add_typer(models.app, name="models")
app.command("backtest", epilog=backtest.EXAMPLES)(backtest.backtest)
app.command("bench")(bench.bench)
