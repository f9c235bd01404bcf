"""Simulated orgs text through the simulator only, real ones never."""

import uuid

import pytest

from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.errors import InvalidInput, InvalidSettings
from leadflow_pipelines.outreach.messengers.open_messenger import open_messenger
from leadflow_pipelines.outreach.messengers.twilio import TwilioMessenger
from leadflow_pipelines.providers.sandbox.process import sandbox_settings
from leadflow_pipelines.settings import load_settings

REAL = Org(uuid.uuid4(), "acme", "Acme", is_simulated=False)
SIMULATED = Org(uuid.uuid4(), "demo", "Demo", is_simulated=True)
OWN_ACCOUNT = {"twilio_account_sid": "AC" + "0f" * 16, "twilio_auth_token": "of-acme"}
SIMULATOR = sandbox_settings("http://127.0.0.1:8900", ["twilio"])


def _open(org, **given):
    return open_messenger("sms", org, load_settings(**given))


def test_each_org_gets_its_own():
    assert isinstance(_open(REAL, **OWN_ACCOUNT), TwilioMessenger)
    assert isinstance(_open(SIMULATED, **SIMULATOR), TwilioMessenger)


@pytest.mark.parametrize(
    ("org", "given", "said"),
    [
        (REAL, {}, "LEADFLOW_TWILIO_ACCOUNT_SID"),
        (SIMULATED, {}, "leadflow sandbox"),
        (REAL, SIMULATOR, "simulator"),
        (REAL, {**OWN_ACCOUNT, "twilio_base_url": "http://127.0.0.1:8900/twilio"}, "simulator"),
        (REAL, {**OWN_ACCOUNT, "twilio_base_url": "https://[::1]:8900"}, "simulator"),
        (REAL, {**OWN_ACCOUNT, "twilio_base_url": "https://localhost:8900"}, "simulator"),
        (REAL, {**OWN_ACCOUNT, "twilio_base_url": "http://api.twilio.com"}, "without encryption"),
        (REAL, {**SIMULATOR, "twilio_base_url": "https://api.twilio.com"}, "simulator"),
        (SIMULATED, OWN_ACCOUNT, "api.twilio.com"),
        (SIMULATED, {**SIMULATOR, "twilio_base_url": "https://api.twilio.com"}, "api.twilio.com"),
        (SIMULATED, {**SIMULATOR, **OWN_ACCOUNT}, "real account"),
        (SIMULATED, {**SIMULATOR, "twilio_base_url": "http://proxy.example"}, "proxy.example"),
    ],
)
def test_the_two_never_meet(org, given, said):
    with pytest.raises(InvalidInput, match=said) as caught:
        _open(org, **given)
    assert caught.value.remedy


def test_a_channel_without_a_messenger_is_told():
    with pytest.raises(InvalidInput, match="`mail`") as caught:
        open_messenger("mail", REAL, load_settings())
    assert "sms" in (caught.value.remedy or "")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"twilio_account_sid": OWN_ACCOUNT["twilio_account_sid"]}, "TWILIO_AUTH_TOKEN must be set too"),
        ({"twilio_auth_token": "x"}, "TWILIO_ACCOUNT_SID must be set too"),
        ({**OWN_ACCOUNT, "twilio_account_sid": "SK" + "0f" * 16}, "must be AC and 32"),
        ({"public_url": "http://leads.acme.example"}, "must be an https:// address"),
        ({"public_url": "https://leads_of.acme.example"}, "must not have _"),
        ({"public_url": "https://leads.acme.example/?a=1"}, "without a query"),
        ({"public_url": "leads.acme.example"}, "must be an https:// address"),
        ({"public_url": "https://user@leads.acme.example"}, "must be an https:// address"),
    ],
)
def test_settings_of_twilio_are_all_or_none_and_well_formed(given, said):
    with pytest.raises(InvalidSettings, match=said):
        load_settings(**given)


def test_a_public_address_has_no_slash_at_its_end():
    assert load_settings(public_url="https://leads.acme.example/app/").public_url == "https://leads.acme.example/app"
    assert load_settings(public_url="http://127.0.0.1:8080").public_url == "http://127.0.0.1:8080"
