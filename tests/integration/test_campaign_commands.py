"""The campaign commands as a member meets them: a whole life, what is left out, what is refused."""

from pathlib import Path
from uuid import uuid4

import orjson
import pytest
from typer.testing import CliRunner, Result

from leadflow_pipelines.cli.campaign import app
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import create_org
from leadflow_pipelines.errors import InvalidInput

PEOPLE = """kind,phone,email,line_type,mailing_street,mailing_city,mailing_state,mailing_zip,full_name,street,city,state,zip
phone,(512) 555-0123,,mobile,1 Example Ave,Austin,TX,78704,Sam Example,1 Example St,Austin,TX,78704
phone,555-01,,mobile,,,,,Short Number,,,,
email,,SAM@mail.example,,,,,,Sam Example,1 Example St,Austin,TX,78704
pigeon,,,,,,,,No Kind,,,,
mailing,,,,2 Example Ave,Austin,TX,787,Bad Zip,,,,
phone,+15125550124,,,1 Example Ave,Austin,TX,78704,,2 Example St,Austin,TX,78704
"""  # noqa: E501 - a CSV file's lines


@pytest.fixture
def slug(database: Database) -> str:
    return create_org(database, f"t{uuid4().hex[:12]}", is_simulated=True).slug


@pytest.fixture
def people(tmp_path: Path) -> Path:
    file = tmp_path / "people.csv"
    file.write_text(PEOPLE, encoding="utf-8")
    return file


def campaign(slug: str, *arguments: object) -> Result:
    asked = [str(one) for one in arguments]
    found = CliRunner().invoke(app, [*asked, "--org", slug])
    if isinstance(found.exception, Exception) and not isinstance(found.exception, SystemExit):
        raise found.exception
    return found


def told(slug: str, *arguments: object) -> dict[str, object]:
    found: dict[str, object] = orjson.loads(campaign(slug, *arguments, "--json").stdout)
    return found


def drafted(slug: str) -> None:
    body = "{sender_name} here about {street}, {first_name|neighbour}. {opt_out}"
    campaign(slug, "template", "hello", "--channel", "sms", "--body", body, "--as", "ada")
    campaign(slug, "create", "spring", "--as", "ada")
    campaign(slug, "step", "spring", "--template", "hello", "--as", "ada")


def test_a_template_tells_its_size_and_fields(slug: str) -> None:
    body = "{sender_name} – café on {street}. {opt_out}"
    kept = told(slug, "template", "odd", "--channel", "sms", "--body", body, "--as", "ada")
    assert kept["fields"] == ["sender_name", "street", "opt_out"]
    assert kept["segments"]["encoding"] == "UCS-2"  # type: ignore[index]
    with pytest.raises(InvalidInput, match=r"must name \{opt_out\}"):
        campaign(slug, "template", "odd", "--channel", "sms", "--body", "{sender_name} buys", "--as", "ada")
    with pytest.raises(InvalidInput, match="Give the text, once"):
        campaign(slug, "template", "odd", "--channel", "sms", "--as", "ada")


def test_a_preview_tells_who_is_blocked_and_keeps_nothing(slug: str, people: Path) -> None:
    drafted(slug)
    seen = told(slug, "preview", "spring", "--people", people)
    assert (seen["cleared"], seen["blocked"]) == ({"sms": 0}, {"sms": 2})
    assert seen["reasons"]["sms"]["no_consent"] == 2  # type: ignore[index]
    bodies = [one["body"] for one in seen["samples"]]  # type: ignore[attr-defined]
    assert len(bodies) == 2
    assert any("1 Example St, Sam." in body for body in bodies)
    assert any("2 Example St, neighbour." in body for body in bodies)
    assert told(slug, "list")["campaigns"][0]["audience"] == {}  # type: ignore[index]
    text = campaign(slug, "preview", "spring", "--people", people)
    assert "No first-party consent for this channel" in " ".join(text.stdout.split())
    assert "not legal advice" in text.stdout


def test_a_review_takes_good_rows_and_names_the_others(slug: str, people: Path) -> None:
    drafted(slug)
    reviewed = told(slug, "review", "spring", "--people", people, "--as", "ada")
    assert reviewed["state"] == "reviewed"
    assert reviewed["audience"]["people"] == 3  # type: ignore[index]
    faults = [(one["row"], one["column"]) for one in reviewed["faults"]]  # type: ignore[attr-defined]
    assert faults == [(2, "phone"), (4, "kind"), (5, "mailing_zip")]
    with pytest.raises(InvalidInput, match="only a draft is reviewed"):
        campaign(slug, "review", "spring", "--people", people, "--as", "ada")


def test_a_campaign_is_led_from_draft_to_its_end(slug: str, people: Path) -> None:
    drafted(slug)
    campaign(slug, "review", "spring", "--people", people, "--as", "ada")
    assert told(slug, "approve", "spring", "--as", "ada")["approved_by"] == "ada"
    with pytest.raises(InvalidInput, match="no profile"):
        campaign(slug, "start", "spring", "--as", "ada")
    assert told(slug, "reopen", "spring", "--as", "ada")["state"] == "draft"
    assert told(slug, "cancel", "spring", "--as", "ada", "--reason", "a typo")["state"] == "cancelled"
    status = told(slug, "status", "spring")
    assert (status["state"], status["states"], status["people"]) == ("cancelled", {}, 0)


def test_whom_it_is_for_is_said_in_one_way(slug: str, people: Path) -> None:
    drafted(slug)
    with pytest.raises(InvalidInput, match="in one way"):
        campaign(slug, "review", "spring", "--as", "ada")
    with pytest.raises(InvalidInput, match="in one way"):
        campaign(slug, "review", "spring", "--zip", "78704", "--people", people, "--as", "ada")


def test_nothing_is_there_yet(slug: str) -> None:
    assert "no campaign yet" in campaign(slug, "list").stderr
    assert "no template yet" in campaign(slug, "templates").stderr


def test_the_help_shows_a_whole_life() -> None:
    shown = CliRunner().invoke(app, ["--help"]).stdout
    assert all(word in shown for word in ("template", "review", "approve", "start", "status"))
