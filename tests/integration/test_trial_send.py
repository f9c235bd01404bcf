"""A text to one's own phone: sent once, proven, no message of the campaign, and refused where anybody's would be."""

import datetime as dt
from dataclasses import dataclass, field
from uuid import uuid4

import pytest
from sqlalchemy import text

from leadflow_pipelines.clearance.hash_keys import load_hash_keys
from leadflow_pipelines.clearance.proof import verify_chain
from leadflow_pipelines.clearance.suppressions import Suppression, suppress
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import create_org
from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.outreach.campaigns.campaigns import load_campaign
from leadflow_pipelines.outreach.messengers.messenger import Outgoing, Sent
from leadflow_pipelines.outreach.rehearsal.trial_send import MOST_A_DAY, TrialSend, send_trial
from leadflow_pipelines.settings import Settings
from tests.outreach_people import FRIDAY_NOON, Texting, introduce, people

PHONE = "+16155550123"


@dataclass
class Noting:
    """A messenger that takes everything and remembers it."""

    sent: list[Outgoing] = field(default_factory=list)

    def send(self, message: Outgoing) -> Sent:
        self.sent.append(message)
        return Sent("SM1", "queued", 1)


@dataclass
class Own(Texting):
    """An org whose member tries a campaign."""

    name: str = ""
    messenger: Noting = field(default_factory=Noting)

    def attempt(self, to: str = PHONE, *, is_own_number: bool = True, step: int = 1) -> TrialSend:
        with self.database.as_org(self.org.org_id) as connection:
            campaign = load_campaign(connection, self.org.org_id, self.name)
        return send_trial(
            self.database, self.org, campaign, self.messenger,  # type: ignore[arg-type]
            to=to, step=step, is_own_number=is_own_number, actor="ada", settings=self.settings, now=self.now,
        )  # fmt: skip


@pytest.fixture
def own(database: Database, settings: Settings) -> Own:
    org = create_org(database, f"t{uuid4().hex[:12]}", is_simulated=True)
    made = Own(database, database.for_dispatch(), org, settings, load_hash_keys(settings), "")
    with database.as_org(org.org_id) as connection:
        introduce(connection, org)
    made.name = made.campaign(people(1))
    return made


def test_a_member_says_it_is_theirs_and_gets_one_text(own: Own) -> None:
    assert own.attempt().outcome == "sent"
    (message,) = own.messenger.sent
    assert message.to == PHONE
    assert "1 Example St" in message.body
    assert own.messages() == [], "no message of the campaign"
    with own.database.as_org(own.org.org_id) as connection:
        noted = connection.execute(
            text("select facts from leadflow.proof_entries where facts ->> 'act' = 'test_send'")
        ).scalar_one()
        assert (noted["by"], noted["is_own_number"], noted["verdict"], noted["decided"]) == (
            "ada", True, "cleared", "blocked",
        )  # fmt: skip
        assert verify_chain(connection, own.org.org_id).fault is None


def test_without_that_word_a_consent_is_needed(own: Own) -> None:
    tried = own.attempt(is_own_number=False)
    assert tried.outcome == "blocked"
    assert "no_consent" in tried.reason_codes
    assert own.messenger.sent == []


def test_ones_own_phone_is_left_alone_at_night_and_where_it_is_suppressed(own: Own) -> None:
    with own.database.as_org(own.org.org_id) as connection:
        wish = Suppression("phone", PHONE, "stop", "They said so.", "test")
        suppress(connection, own.org.org_id, [wish], own.keys, now=own.now)
    assert own.attempt().reason_codes == ("suppressed",)
    own.now = FRIDAY_NOON.replace(hour=9)
    assert {code.partition(":")[0] for code in own.attempt("+16155550124").reason_codes} == {"hours"}
    assert own.messenger.sent == []


def test_it_is_no_way_to_text_anybody_often(own: Own) -> None:
    for _ in range(MOST_A_DAY):
        assert own.attempt().outcome == "sent"
    with pytest.raises(InvalidInput, match="test texts within 24 hours"):
        own.attempt()
    own.now += dt.timedelta(days=3)
    assert own.attempt().outcome == "sent"


def test_what_is_no_number_and_no_text_is_refused(own: Own) -> None:
    with pytest.raises(InvalidInput, match="no US number"):
        own.attempt("+442071234567")
    with pytest.raises(InvalidInput, match="is no text"):
        own.attempt(step=2)
