"""What was decided can be shown, verified, decided again and forgotten: sends, lists, and the commands over them."""

import datetime as dt
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import polars as pl
import pytest
from sqlalchemy import select, text
from typer.testing import CliRunner

from leadflow_pipelines.clearance.erasure import erase_person
from leadflow_pipelines.clearance.evidence import gather_evidence
from leadflow_pipelines.clearance.hash_keys import load_hash_keys
from leadflow_pipelines.clearance.list_proof import keep_list_proof
from leadflow_pipelines.clearance.replay_log import Replayed, replay_log, rules_as_of
from leadflow_pipelines.clearance.rule_store import tighten
from leadflow_pipelines.clearance.verify_proof import ProofReport, verify_proof
from leadflow_pipelines.cli.app import app
from leadflow_pipelines.compliance import decide_contacts, load_rules
from leadflow_pipelines.compliance.stricter_rules import Change
from leadflow_pipelines.database import tables
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import create_org
from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.lake import Lake, open_lake
from leadflow_pipelines.outreach.messengers.messenger import Outgoing, Sent
from leadflow_pipelines.settings import load_settings
from tests.outreach_people import FRIDAY_NOON, Texting, introduce, people

DAY = FRIDAY_NOON.date()
FIRST, LAST = FRIDAY_NOON - dt.timedelta(days=1), FRIDAY_NOON + dt.timedelta(days=1)


class Obliging:
    """A messenger that takes everything."""

    def send(self, message: Outgoing) -> Sent:
        return Sent(f"SM{message.message_id.hex}", "queued", 1)


@dataclass
class Kept(Texting):
    """An org that decided 5 sends, 4 of them cleared, and a list of 3 contacts on two channels each."""

    lake: Lake = None  # type: ignore[assignment]

    def replay(self, **options: Any) -> Replayed:
        return replay_log(self.database, self.lake, self.org, first=FIRST, last=LAST, **options)

    def verify(self) -> ProofReport:
        with self.database.as_org(self.org.org_id) as connection:
            return verify_proof(connection, self.lake, self.org)

    def list_file(self) -> Path:
        (file,) = Path(self.lake.root).glob("proof/lists/*/*.parquet")
        return file

    def rewrite(self, change: pl.Expr) -> None:
        """Alters the list's file, as somebody with the disk could."""
        pl.read_parquet(self.list_file()).with_columns(change).write_parquet(self.list_file())

    def command(self, *arguments: str) -> Any:
        found = CliRunner().invoke(app, [*arguments, "--org", self.org.slug])
        if isinstance(found.exception, Exception) and not isinstance(found.exception, SystemExit):
            raise found.exception
        return found


@pytest.fixture
def kept(database: Database, home: Path) -> Kept:
    settings = load_settings(home=home)
    org = create_org(database, f"t{uuid4().hex[:12]}", is_simulated=True)
    made = Kept(
        database,
        database.for_dispatch(),
        org,
        settings,
        load_hash_keys(settings),
        "",
        lake=open_lake(settings, org.slug),
    )
    with database.as_org(org.org_id) as connection:
        introduce(connection, org)
    made.campaign(people(4))
    made.campaign(people(1, first=10), agreed=False)
    with made.dispatcher(messengers={"sms": Obliging()}) as dispatcher:
        dispatcher.round()
    made.dispatchers.clear()
    clear_list(made, people(3, first=2))
    return made


def clear_list(kept: Kept, frame: pl.DataFrame) -> None:
    """Clears these people as the chain of assets does, and proves it."""
    frame = frame.with_columns(zip=pl.lit("78704"), day=pl.lit(DAY))
    with kept.database.as_org(kept.org.org_id) as connection:
        gathered = gather_evidence(connection, kept.org, frame, now=FRIDAY_NOON, settings=kept.settings)
        lists = decide_contacts(gathered.points, now=FRIDAY_NOON, with_evidence=True, **gathered.asked)
        hashes = gathered.points.select("contact_point_id", contact_hash=pl.col("contact_hashes").list.first())
        lists = lists.join(hashes, on="contact_point_id", how="left", maintain_order="left")
        keep_list_proof(connection, kept.org.org_id, kept.lake, lists, day=DAY, now=FRIDAY_NOON)


def restrict(kept: Kept) -> None:
    """From that day on the org sends nobody in any state anything before 20:00."""
    with kept.database.as_org(kept.org.org_id) as connection:
        states = {code for phone in people(4)["phone_e164"] for code in states_of(phone)}
        for state in sorted(states):
            change = Change("state_calling_rules", state, {"weekday_start": "17:30", "weekday_end": "17:50"})
            tighten(connection, kept.org.org_id, change, effective_from=DAY, reason="own counsel", actor="ada",
                    now=FRIDAY_NOON + dt.timedelta(hours=1))  # fmt: skip


def states_of(phone: str) -> tuple[str, ...]:
    return load_rules().area_codes[phone[2:5]].states


def test_what_was_decided_is_decided_the_same_again(kept: Kept) -> None:
    found = kept.replay()
    assert (found.sends, found.lists, found.agree, found.differ, found.erased) == (5, 6, 11, 0, 0)
    restrict(kept)
    assert kept.replay().is_same, "each decision is asked of the rules of its own version"
    assert kept.verify().fault is None


def test_other_rules_show_what_they_would_have_said(kept: Kept) -> None:
    restrict(kept)
    with kept.database.as_org(kept.org.org_id) as connection:
        before = rules_as_of(connection, kept.org, DAY - dt.timedelta(days=1), now=FRIDAY_NOON)
        after = rules_as_of(connection, kept.org, DAY, now=FRIDAY_NOON)
    assert kept.replay(instead=before).differ == 0
    found = kept.replay(instead=after)
    assert found.changes["cleared → blocked"] == 4
    assert found.examples[0].what.startswith("entry ")
    assert all(code.startswith("+hours:") for code in found.reasons)


def test_a_flipped_byte_in_a_lists_file_is_found_and_named(kept: Kept) -> None:
    file = kept.list_file()
    whole = file.read_bytes()
    file.write_bytes(whole[:200] + bytes([whole[200] ^ 1]) + whole[201:])
    fault = kept.verify().fault or ""
    assert "list_clearance" in fault
    assert file.name in fault
    assert kept.replay().faults


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (pl.col("evidence").str.replace("mobile", "landline"), "Row 1 of"),
        (pl.when(pl.col("contact_point_id") != "c3").then("evidence"), "row 3 of"),
        (pl.col("evidence_hash").str.replace("^.", "x"), "does not hold the rows"),
    ],
)
def test_what_was_changed_in_a_lists_file_is_named(kept: Kept, change: pl.Expr, named: str) -> None:
    kept.rewrite(change)
    assert named in (kept.verify().fault or "")


def test_an_answer_that_the_evidence_does_not_give_is_named(kept: Kept) -> None:
    is_first = (pl.col("contact_point_id") == "c2") & (pl.col("channel") == "sms")
    kept.rewrite(pl.when(is_first).then(pl.lit("blocked")).otherwise("verdict").alias("verdict"))
    found = kept.replay()
    assert (found.differ, found.agree) == (1, 10)
    (one,) = found.examples
    assert "contact" not in one.recorded
    assert (one.recorded, one.replayed) == ("blocked", "cleared")
    assert "c2 on sms" in one.what


def test_altered_evidence_of_a_send_is_named_by_both(kept: Kept) -> None:
    with kept.database.as_owner() as connection:
        connection.execute(text("set local role leadflow_owner"))
        connection.exec_driver_sql("select set_config('app.org_id', %s, true)", (str(kept.org.org_id),))
        changed = connection.execute(text(
            "update leadflow.proof_evidence set evidence = jsonb_set(evidence, '{point,line_type}', '\"voip\"')"
            " where entry_id = (select entry_id from leadflow.proof_entries where kind = 'send_decision'"
            " order by seq limit 1)"
        ))  # fmt: skip
        assert changed.rowcount == 1
    assert "send_decision" in (kept.verify().fault or "")
    (one,) = kept.replay().examples
    assert "another hash" in one.why


def test_a_person_is_forgotten_everywhere_and_stays_suppressed(kept: Kept) -> None:
    phone = people(4)["phone_e164"][3]
    found = erase_person(
        kept.database, kept.lake, kept.org, "phone", phone, kept.keys, actor="ada", now=FRIDAY_NOON
    )  # fmt: skip
    assert (found.messages, found.consents, found.audiences, found.decisions, found.list_decisions) == (1, 1, 1, 1, 2)
    assert nowhere(kept, phone) == []
    replayed = kept.replay()
    assert (replayed.is_same, replayed.erased, replayed.agree) == (True, 3, 8)
    assert kept.verify().fault is None
    assert kept.verify().erased_rows == 2
    kept.campaign(people(2, first=3), agreed=True)
    with kept.dispatcher(messengers={"sms": Obliging()}) as dispatcher:
        dispatcher.round()
    states = Counter((row["contact_point_id"], row["state"]) for row in kept.messages())
    assert (states["c3", "accepted"], states["c4", "accepted"]) == (1, 1), "c3 before, c4 now"


def nowhere(kept: Kept, value: str) -> list[str]:
    """The tables and files in which a value still stands."""
    found = [str(file) for file in Path(kept.lake.root).rglob("*.parquet")
             if value in pl.read_parquet(file).write_ndjson()]  # fmt: skip
    with kept.database.as_org(kept.org.org_id) as connection:
        for table in tables.metadata.sorted_tables:
            if "org_id" not in table.c or table.name == "bi_logins":  # another role's
                continue
            rows = connection.execute(select(table).where(table.c.org_id == kept.org.org_id))
            if any(value in str(tuple(row)) for row in rows):
                found.append(table.name)
    return found


def test_an_erasure_that_the_chain_does_not_note_is_named(kept: Kept) -> None:
    with kept.database.as_org(kept.org.org_id) as connection:
        connection.execute(text(
            "update leadflow.proof_evidence set evidence = null, erased_at = now() where entry_id ="
            " (select entry_id from leadflow.proof_entries where kind = 'send_decision' order by seq limit 1)"
        ))  # fmt: skip
    assert "notes no erasure" in (kept.verify().fault or "")


def test_explain_tells_the_whole_case(kept: Kept) -> None:
    phone = people(1)["phone_e164"][0]
    told = kept.command("explain", "contact", phone).stdout
    flat = " ".join(told.split())
    for word in ("I agree to texts from Example Homes", "express_written", "accepted", "looked at", "evidence hash",
                 "cleared", "not legal advice", "Rules that decided"):  # fmt: skip
        assert word in flat, word
    case = orjson.loads(kept.command("explain", "contact", phone, "--json").stdout)
    (message,) = case["messages"]
    shown = kept.command("explain", "message", message["message_id"]).stdout
    assert "approved by ada" in shown
    assert "Example Homes here about 1 Example St" in shown
    blocked = " ".join(kept.command("explain", "contact", people(1, first=10)["phone_e164"][0]).stdout.split())
    assert "no_consent: No first-party consent" in blocked
    assert kept.command("forget", "--phone", phone, "--as", "ada").exit_code == 0
    after = kept.command("explain", "message", message["message_id"]).stdout
    assert "contact_value: erased" in after
    assert "looked at: erased" in after
    assert phone not in kept.command("explain", "contact", message["contact_point_id"]).stdout
    with pytest.raises(InvalidInput, match="Nothing is known"):
        kept.command("explain", "contact", "c_unknown")


def test_the_commands_say_what_they_found_and_exit_accordingly(kept: Kept) -> None:
    whole = orjson.loads(kept.command("proof", "verify", "--json").stdout)
    assert whole["is_whole"]
    noted = whole["chain"]["head_hash"]
    assert kept.command("proof", "verify", "--expect", noted).exit_code == 0
    assert kept.command("proof", "verify", "--expect", "0" * 64).exit_code == 1
    days = ("--from", "2026-11-19", "--to", "2026-11-21")
    assert "11 decisions (5 sends, 6 rows of lists): 11 agree" in " ".join(kept.command("replay", *days).stdout.split())
    kept.rewrite(pl.col("evidence").str.replace("mobile", "landline"))
    found = kept.command("replay", *days)
    assert found.exit_code == 1
    assert "another hash" in found.stdout
    assert kept.command("proof", "verify").exit_code == 1
