"""Letters: printed once, whole or not at all, nobody who may not be written to, and what the post brings back."""

import csv
import datetime as dt
import resource
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text, update

from leadflow_pipelines.clearance.hash_keys import load_hash_keys
from leadflow_pipelines.clearance.holds import place_hold
from leadflow_pipelines.clearance.proof import verify_chain
from leadflow_pipelines.clearance.suppressions import Suppression, suppress
from leadflow_pipelines.database import tables
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.outreach.by_hand import letter_files, letters
from leadflow_pipelines.outreach.by_hand.letters import PrintedBatch, print_letters
from leadflow_pipelines.outreach.by_hand.returned import import_returned
from leadflow_pipelines.outreach.campaigns import campaigns
from leadflow_pipelines.settings import Settings
from tests.by_hand_people import ADDRESS, LETTER, NOON, addresses, fates, run

HEADING = "About {street}"


class Office:
    """An org whose letters go to a folder."""

    def __init__(self, database: Database, org: Org, settings: Settings, folder: Path) -> None:
        self.database, self.org, self.settings, self.folder = database, org, settings, folder
        self.keys = load_hash_keys(settings)

    def campaign(self, frame: Any, **options: Any) -> str:
        with self.database.as_org(self.org.org_id) as connection:
            asked = {"channel": "mail", "body": LETTER, "subject": HEADING, **options}
            return run(connection, self.org, frame, self.keys, **asked)

    def print(self, name: str, *, at: dt.datetime = NOON, **options: Any) -> PrintedBatch:
        return print_letters(
            self.database, self.org, name, self.folder, settings=self.settings, clock=lambda: at, actor="ada", **options
        )

    def suppress(self, value: str, kind: str = "mailing") -> None:
        with self.database.as_org(self.org.org_id) as connection:
            wish = Suppression(kind, value, "operator", "asked", "test")
            suppress(connection, self.org.org_id, [wish], self.keys, now=NOON)


@pytest.fixture
def office(database: Database, org: Org, settings: Settings, tmp_path: Path) -> Office:
    return Office(database, org, settings, tmp_path / "out")


def rows_of(batch: PrintedBatch) -> list[dict[str, str]]:
    assert batch.files is not None
    with batch.files.csv.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_each_letter_is_a_row_and_a_page_and_goes_once(office: Office) -> None:
    name = office.campaign(addresses(3, names=["Zoë Ångström", "=HYPERLINK(1)", "Łukasz 王"]))
    batch = office.print(name)
    rows = rows_of(batch)
    assert [row["zip"] for row in rows] == ["78797", "78798", "78799"]
    first = rows[2]
    assert (first["name"], first["address_1"], first["city"], first["state"]) == (
        "Zoë Ångström", "1 Example Ave", "Austin", "TX",
    )  # fmt: skip
    assert (first["heading"], first["sender_name"], first["sender_address"]) == (
        "About 1 Example St", "Example Homes", ADDRESS,
    )  # fmt: skip
    assert first["text"].startswith("Dear Zoë Ångström,\n\nwe would like to buy 1 Example St.")
    assert rows[1]["name"] == "'=HYPERLINK(1)"
    assert batch.files is not None
    assert (len(batch.files.pdfs), batch.files.respelled) == (1, 1)
    assert batch.files.pdfs[0].read_bytes().count(b"/Type /Page\n") == 3
    assert set(fates(office.database, office.org).values()) == {("accepted", None)}
    table = tables.messages.c
    with office.database.as_org(office.org.org_id) as connection:
        sent = connection.execute(select(table.message_id, table.provider_id)).all()
        assert verify_chain(connection, office.org.org_id).fault is None
    assert {str(row.message_id) for row in sent} == {row["reference"] for row in rows}
    assert {row.provider_id for row in sent} == {batch.batch}
    assert office.print(name).batch is None


def test_whoever_may_not_be_written_to_gets_no_letter(office: Office) -> None:
    frame = addresses(4)
    name = office.campaign(frame)
    office.suppress(frame["contact_value"][0])
    with office.database.as_org(office.org.org_id) as connection:
        table = tables.campaign_audience.c
        torn: dict[str, Any] = {
            **connection.execute(select(table.evidence).where(table.contact_point_id == "m1")).scalar_one()
        }
        torn["evidence"] = {**torn["evidence"], "mailing_zip5": None}
        connection.execute(
            update(tables.campaign_audience).where(table.contact_point_id == "m1").values(evidence=torn)
        )  # fmt: skip
    assert {row["address_1"] for row in rows_of(office.print(name))} == {"3 Example Ave", "4 Example Ave"}
    told = fates(office.database, office.org)
    assert (told["m0"], told["m1"]) == (("cancelled", "suppressed"), ("blocked", "address_incomplete"))


def test_a_hold_keeps_letters_back_until_it_is_lifted(office: Office) -> None:
    name = office.campaign(addresses(1))
    with office.database.as_org(office.org.org_id) as connection:
        place_hold(connection, office.org.org_id, state="TX", channels=["mail"], reason="test", actor="ada", now=NOON)
    batch = office.print(name)
    assert (batch.batch, batch.postponed) == (None, 1)
    assert fates(office.database, office.org)["m0"][0] == "queued"
    assert not office.folder.exists()


def test_a_batch_that_was_interrupted_is_printed_again_as_it_was(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = office.campaign(addresses(5))

    def dies(*_: Any, **__: Any) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(letters, "accept_batch", dies)
        with pytest.raises(KeyboardInterrupt):
            office.print(name)
    before = contents(office.folder)
    assert set(fates(office.database, office.org).values()) == {("sending", None)}
    with office.database.as_org(office.org.org_id) as connection:
        changed = {"sender_name": "Other Name", "postal_address": "9 Other St, Austin, TX 78701"}
        connection.execute(update(tables.outreach_profiles).values(changed))
    again = office.print(name, at=NOON + dt.timedelta(hours=2))
    assert again.is_again
    assert contents(office.folder) == before
    assert set(fates(office.database, office.org).values()) == {("accepted", None)}


def test_a_batch_that_dies_while_it_is_written_leaves_no_file(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    name = office.campaign(addresses(5))
    monkeypatch.setattr(letter_files, "LETTERS_A_FILE", 2)
    write = letter_files._write_pdf

    def dies_at_the_second(some: list[Any], path: Path, *rest: Any) -> int:
        if "-02" in path.name:
            raise OSError("the disk is full")
        return write(some, path, *rest)

    with monkeypatch.context() as broken:
        broken.setattr(letter_files, "_write_pdf", dies_at_the_second)
        with pytest.raises(OSError, match="full"):
            office.print(name)
    assert contents(office.folder) == {}
    batch = office.print(name)
    assert batch.files is not None
    assert (batch.is_again, batch.files.letters, len(batch.files.pdfs)) == (True, 5, 3)


def test_whoever_is_suppressed_before_the_second_print_is_left_out(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = addresses(3)
    name = office.campaign(frame)
    with monkeypatch.context() as broken:
        broken.setattr(letters, "write_letters", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            office.print(name)
    office.suppress(frame["contact_value"][1])
    batch = office.print(name)
    assert (batch.left_out, [row["address_1"] for row in rows_of(batch)]) == (1, ["3 Example Ave", "1 Example Ave"])
    assert fates(office.database, office.org)["m1"] == ("unknown", "left_out")


def test_two_printers_do_not_share_a_campaign(office: Office) -> None:
    name = office.campaign(addresses(1))
    with office.database.as_org(office.org.org_id) as connection:
        campaign = campaigns.load_campaign(connection, office.org.org_id, name)
        key = f"letters:{campaign.campaign_id}"
        connection.execute(text("select pg_advisory_xact_lock(hashtextextended(:key, 0))"), {"key": key})
        with pytest.raises(InvalidInput, match="another command"):
            office.print(name)
    assert office.print(name).files is not None


def test_only_a_running_campaign_with_letters_and_an_address_prints(office: Office) -> None:
    name = office.campaign(addresses(1), postal_address="")
    with pytest.raises(InvalidInput, match="no postal address"):
        office.print(name)
    with office.database.as_org(office.org.org_id) as connection:
        campaigns.pause(connection, office.org.org_id, name, actor="ada", now=NOON, reason="test")
    with pytest.raises(InvalidInput, match="is paused"):
        office.print(name)


def test_letters_that_come_back_are_failed_and_nobody_writes_there_again(office: Office, tmp_path: Path) -> None:
    frame = addresses(3)
    rows = rows_of(office.print(office.campaign(frame)))
    file = tmp_path / "returned.csv"
    lines = [rows[0]["reference"], "not a reference", rows[0]["reference"], str(office.org.org_id), ""]
    file.write_text("Reference,reason\n" + "".join(f"{line},moved\n" for line in lines))
    with office.database.as_org(office.org.org_id) as connection:
        back = import_returned(connection, office.org, file, actor="ada", now=NOON, keys=office.keys)
    assert (back.returned, back.known, [fault.row for fault in back.faults]) == (1, 1, [2, 4, 5])
    assert fates(office.database, office.org)["m2"] == ("failed", "returned")
    table = tables.suppressions.c
    with office.database.as_org(office.org.org_id) as connection:
        known = connection.execute(select(table.kind, table.contact_value, table.origin)).all()
        again = import_returned(connection, office.org, file, actor="ada", now=NOON, keys=office.keys)
    assert [tuple(row) for row in known] == [("mailing", frame["contact_value"][2], "returned_mail")]
    assert (again.returned, again.known) == (0, 2)
    office.campaign(frame)
    second = office.campaign(frame)
    assert office.print(second, at=NOON + dt.timedelta(days=8)).files.letters == 2  # type: ignore[union-attr]


def test_many_letters_need_no_more_memory_than_a_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(letter_files, "LETTERS_A_FILE", 50)

    def peak(count: int) -> int:
        letters_ = (letter(number) for number in range(count))
        letter_files.write_letters(letters_, tmp_path, f"letters-{count}", day_of=dt.UTC, font=None)
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    base = peak(50)
    assert peak(500) < base + 3 * 1024
    assert len(list(tmp_path.glob("letters-500-*.pdf"))) == 10


def test_a_font_of_ones_own_prints_names_of_any_script(tmp_path: Path) -> None:
    font = next(iter(Path("/usr/share/fonts").rglob("DejaVuSans.ttf")), None)
    if font is None:
        pytest.skip("there is no DejaVuSans.ttf on this machine")
    greek = letter(1, name="Ελένη Παράδειγμα", heading="Για σας")
    written = [
        letter_files.write_letters([greek], tmp_path, name, day_of=dt.UTC, font=used)
        for name, used in (("standard", None), ("own", font), ("again", font))
    ]
    assert [files.respelled for files in written] == [1, 0, 0]
    assert written[1].pdfs[0].read_bytes() == written[2].pdfs[0].read_bytes()
    broken = tmp_path / "no.ttf"
    broken.write_text("no font")
    with pytest.raises(InvalidInput, match="cannot be used"):
        letter_files.write_letters([greek], tmp_path, "broken", day_of=dt.UTC, font=broken)
    assert not list(tmp_path.glob("broken*")) + list(tmp_path.glob(".*"))


def test_a_long_letter_goes_on_and_no_line_leaves_the_page(tmp_path: Path) -> None:
    long = letter(1, text=("w" * 300 + "\n") * 3 + "word " * 3000)
    files = letter_files.write_letters([long], tmp_path, "long", day_of=dt.UTC, font=None)
    assert files.pdfs[0].read_bytes().count(b"/Type /Page\n") > 3
    lines = list(letter_files.broken("aaa bbb  c dddddddd", len, 5))
    assert lines == ["aaa", "bbb ", "c", "ddddd", "ddd"]


def letter(number: int, **changes: Any) -> letter_files.Letter:
    given: dict[str, Any] = {
        "reference": f"{number:036d}", "name": "Pat Example", "street": "1 Example Ave", "city": "Austin",
        "state": "TX", "zip5": "78704", "sender": f"Example Homes\n{ADDRESS}", "heading": None, "text": "Hello. " * 60,
        "written_at": NOON, "fields": {"first_name": None}, **changes,
    }  # fmt: skip
    return letter_files.Letter(**given)
