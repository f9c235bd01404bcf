"""The simulated vendors: shaped like the real ones, the same each time, peopled by nobody."""

import os
import re
import subprocess
import sys
import time

import httpx
import orjson
import phonenumbers
import pytest

from leadflow_pipelines.providers.sandbox.process import SandboxProcess
from leadflow_pipelines.providers.sandbox.turnover import Turnover
from leadflow_pipelines.providers.sandbox.vendors import load_vendors
from tests.shop import RECORDS_PER_ZIP

NOWHERE = "00000"


def _properties(sandbox, zip_code, **parameters):
    given = sandbox.settings_overrides()
    query = {"postalcode": zip_code, "page": 1, "pagesize": 1000, **parameters}
    headers = {"apikey": given["attom_api_key"]}
    return httpx.get(f"{given['attom_base_url']}/property/expandedprofile", params=query, headers=headers, timeout=60)


def _skip_trace(sandbox, count, *, version="v1", zip_code="19103"):
    given = sandbox.settings_overrides()
    base = given["batchdata_base_url"].replace("/v1", f"/{version}")
    asked = [
        {
            "requestId": str(n),
            "propertyAddress": {"street": f"{n} MAPLE ST", "city": "X", "state": "PA", "zip": zip_code},
        }
        for n in range(count)
    ]
    headers = {"authorization": f"Bearer {given['batchdata_api_key']}"}
    return httpx.post(f"{base}/property/skip-trace", json={"requests": asked}, headers=headers, timeout=60)


def test_a_zip_is_the_same_each_time_and_lies_where_it_should(sandbox):
    first = _properties(sandbox, "19103")
    assert first.json() == _properties(sandbox, "19103").json()
    assert first.json()["status"]["total"] == RECORDS_PER_ZIP
    estates = first.json()["property"]
    assert {one["address"]["countrySubd"] for one in estates} == {"PA"}
    assert {one["identifier"]["fips"] for one in estates} == {"42101"}
    assert len({one["address"]["oneLine"] for one in estates}) == RECORDS_PER_ZIP
    assert _properties(sandbox, "73301").json()["property"] != estates


def test_pages_cut_the_same_properties(sandbox):
    whole = _properties(sandbox, "19103").json()["property"]
    pages = [_properties(sandbox, "19103", page=page, pagesize=2).json()["property"] for page in (1, 2, 3)]
    assert [one for page in pages for one in page] == whole
    assert [len(page) for page in pages] == [2, 2, 1]
    assert _properties(sandbox, "19103", page=4, pagesize=2).json()["status"]["msg"] == "SuccessWithoutResult"


def test_a_zip_that_does_not_exist_has_no_result(sandbox):
    answer = _properties(sandbox, NOWHERE)
    assert answer.status_code == 400
    assert answer.json()["status"]["msg"] == "SuccessWithoutResult"
    assert sandbox.ledger()["attom"]["billed"] == 0


def test_without_the_key_nothing_is_answered_or_billed(sandbox):
    given = sandbox.settings_overrides()
    assert httpx.get(f"{given['attom_base_url']}/property/expandedprofile?postalcode=19103").status_code == 401
    assert httpx.post(f"{given['batchdata_base_url']}/property/skip-trace", json={"requests": [{}]}).status_code == 401
    books = sandbox.ledger()
    assert [books[name]["billed"] for name in ("attom", "batchdata")] == [0, 0]
    assert [books[name]["refused"] for name in ("attom", "batchdata")] == [1, 1]


@pytest.mark.parametrize("version", ["v1", "v3"])
def test_people_are_invented_and_can_not_be_reached(sandbox, version):
    body = _skip_trace(sandbox, 100, version=version).text
    phones = re.findall(r'"number":"(\d+)"', body)
    emails = re.findall(r'"email":"([^"]+)"', body)
    assert len(phones) > 50
    assert len(emails) > 50
    assert all(re.fullmatch(r"(215|267|445)55501\d\d", phone) for phone in phones)
    assert all(phonenumbers.is_possible_number(phonenumbers.parse(phone, "US")) for phone in phones)
    assert all(email.endswith(".example") for email in emails)


def test_four_in_five_requests_are_matched_and_those_are_billed(sandbox):
    body = _skip_trace(sandbox, 100).json()["results"]
    matched = sum(one["meta"]["matched"] for one in body["persons"])
    assert 70 <= matched <= 90
    assert body["meta"]["results"]["matchCount"] == matched
    assert sandbox.ledger()["batchdata"]["billed"] == matched
    older = {one["request"]["requestId"]: one["meta"]["matched"] for one in body["persons"]}
    newer = {
        one["input"]["requestId"]: one["meta"]["matched"]
        for one in _skip_trace(sandbox, 100, version="v3").json()["result"]["data"]
    }
    assert older == newer


def test_flags_are_yes_no_and_missing(sandbox):
    persons = _skip_trace(sandbox, 100).json()["results"]["persons"]
    phones = [phone for person in persons for phone in person.get("phoneNumbers", [])]
    assert {phone.get("dnc") for phone in phones} == {True, False, None}
    assert {phone["type"] for phone in phones} == {"Mobile", "Land Line", "Voip"}
    assert {person.get("litigator") for person in persons} == {True, False, None}


def test_more_than_a_hundred_requests_are_refused(sandbox):
    assert _skip_trace(sandbox, 101).status_code == 400


def test_owners_and_values_are_a_plausible_mix():
    with SandboxProcess(records_per_zip=1000, today="2026-11-21") as many:
        estates = _properties(many, "19103").json()["property"]
    owners = [one["assessment"]["owner"] for one in estates]
    share = {
        "absentee": sum(one["absenteeOwnerStatus"] == "A" for one in owners),
        "company": sum("LLC" in one["owner1"].get("lastName", "") for one in owners),
        "trust": sum("TRUST" in one["owner1"].get("lastName", "") for one in owners),
        "elsewhere": sum(", PA " not in one["mailingAddressOneLine"] for one in owners),
        "no_price": sum(one["sale"]["saleAmountData"]["saleAmt"] == 0 for one in estates),
        "unknown_occupancy": sum("absenteeInd" not in one["summary"] for one in estates),
        "delinquent": sum("delinquentyear" in one["assessment"] for one in estates),
        "vacant_land": sum(one["summary"]["propIndicator"] == 80 for one in estates),
    }
    low_and_high = {
        "absentee": (250, 550), "company": (90, 200), "trust": (30, 110), "elsewhere": (90, 300), "no_price": (70, 180),
        "unknown_occupancy": (15, 80), "delinquent": (20, 90), "vacant_land": (20, 110),
    }  # fmt: skip
    assert {name: low <= share[name] <= high for name, (low, high) in low_and_high.items()} == dict.fromkeys(
        share, True
    )
    assert all(one["sale"]["saleTransDate"] <= "2026-11-21" for one in estates)
    assert len({one["sale"]["saleTransDate"][:4] for one in estates}) > 15


def test_from_one_day_to_a_later_one_a_few_properties_change_hands():
    def sales(today):
        with SandboxProcess(records_per_zip=400, today=today) as one:
            return {
                one["identifier"]["attomId"]: (one["sale"]["saleTransDate"], one["assessment"]["owner"].get("owner1"))
                for one in _properties(one, "19103").json()["property"]
            }

    before, after = sales("2026-11-21"), sales("2026-12-21")
    sold = {key for key in before if before[key][0] != after[key][0]}
    assert 0 < len(sold) < 40
    assert all("2026-11-21" < after[key][0] <= "2026-12-21" for key in sold)
    assert all(before[key] == after[key] for key in before.keys() - sold)


def test_it_starts_at_once_and_dies_with_its_parent():
    script = (
        "import os, sys, time\n"
        "from leadflow_pipelines.providers.sandbox.process import SandboxProcess\n"
        "began = time.monotonic()\n"
        "sandbox = SandboxProcess().start()\n"
        "print(sandbox.url, time.monotonic() - began, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=os.environ, check=False)
    url, _ = ended.stdout.split()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            httpx.get(f"{url}/_sandbox/ledger")
        except httpx.TransportError:
            return
    pytest.fail("the simulated vendors outlived their parent")


@pytest.mark.parametrize("kind", ["reset", "reset_midway", "timeout", "cut_off"])
def test_faults_break_the_connection_after_billing(sandbox, kind):
    sandbox.arm_fault("attom", kind, seconds=0.05)
    with pytest.raises(httpx.TransportError):
        _properties(sandbox, "19103")
    assert sandbox.ledger()["attom"]["billed"] == RECORDS_PER_ZIP
    assert _properties(sandbox, "19103").status_code == 200


def test_other_faults(sandbox):
    sandbox.arm_fault("attom", "status", status=429, retry_after="7", zip="19104")
    assert _properties(sandbox, "19103").status_code == 200
    slowed = _properties(sandbox, "19104")
    assert (slowed.status_code, slowed.headers["retry-after"]) == (429, "7")
    assert sandbox.ledger()["attom"]["billed_by_zip"] == {"19103": RECORDS_PER_ZIP}
    sandbox.arm_fault("attom", "truncated_json")
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(_properties(sandbox, "19103").content)
    with pytest.raises(httpx.HTTPStatusError):
        sandbox.arm_fault("attom", "no_such_fault")


def _outcome(sandbox, zip_code):
    """What a call meets, in one word or number."""
    try:
        answer = _properties(sandbox, zip_code)
        return answer.status_code if answer.status_code != 200 else len(answer.json()["property"])
    except httpx.TransportError:
        return "broken"


def test_a_share_of_all_calls_suffers_the_same_ones_in_every_run(sandbox):
    def suffered():
        sandbox.disarm_faults()
        sandbox.arm_fault("attom", "status", status=503, share=0.3)
        sandbox.arm_fault("*", "reset", share=0.3)
        return [_outcome(sandbox, f"191{n:02d}") for n in [3, 4, 6, 7, 11, 14, 15, 16, 18, 19, 20, 21] * 5]

    first = suffered()
    assert first == suffered()
    assert 8 <= first.count(503) <= 30
    assert 8 <= first.count("broken") <= 30


def test_keys_expire_and_wallets_empty_without_a_bill(sandbox):
    sandbox.arm_fault("attom", "expired_key")
    sandbox.arm_fault("batchdata", "empty_wallet")
    assert _properties(sandbox, "19103").status_code == 401
    assert _skip_trace(sandbox, 5).status_code == 403
    assert [sandbox.ledger()[name]["billed"] for name in ("attom", "batchdata")] == [0, 0]


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("missing_field", lambda body: "sale" not in body["property"][0]),
        (
            "renamed_field",
            lambda body: {"assessment", "assessmentNew"} & body["property"][0].keys() == {"assessmentNew"},
        ),
        ("key_casing", lambda body: "attomid" in body["property"][0]["identifier"]),
        ("wrong_total", lambda body: body["status"]["total"] == RECORDS_PER_ZIP * 2 + 7),
    ],
)
def test_a_body_drifts_and_is_billed_all_the_same(sandbox, kind, told):
    sandbox.arm_fault("attom", kind)
    assert told(_properties(sandbox, "19103").json())
    assert not told(_properties(sandbox, "19103").json())
    assert sandbox.ledger()["attom"]["billed"] == 2 * RECORDS_PER_ZIP


def test_a_page_comes_twice(sandbox):
    first = _properties(sandbox, "19103", pagesize=2).json()["property"]
    sandbox.arm_fault("attom", "duplicate_page")
    assert _properties(sandbox, "19103", pagesize=2, page=2).json()["property"] == first


def test_a_body_drips(sandbox):
    sandbox.arm_fault("attom", "slow_drip", seconds=0.2)
    began = time.monotonic()
    assert len(_properties(sandbox, "19103").json()["property"]) == RECORDS_PER_ZIP
    assert time.monotonic() - began >= 0.15


def test_a_vendor_refuses_more_calls_a_second_than_it_takes():
    now = [100.0]
    turnover = Turnover({"attom": 3}, clock=lambda: now[0])
    assert [turnover.is_too_fast("attom") for _ in range(5)] == [False, False, False, True, True]
    assert not any(turnover.is_too_fast("regrid") for _ in range(50)), "no limit was set for it"
    now[0] += 0.9
    assert turnover.is_too_fast("attom")
    now[0] += 0.1
    assert [turnover.is_too_fast("attom") for _ in range(4)] == [False, False, False, True]


def _asks(sandbox, vendor):
    return httpx.get(f"{sandbox.url}{vendor.prefixes[0]}/any")


@pytest.mark.parametrize("vendor", load_vendors(), ids=lambda one: one.name)
def test_each_vendor_refuses_haste_in_its_own_way_without_a_bill(sandbox, vendor):
    sandbox.arm_fault(vendor.name, "too_many", retry_after="7")
    answer = _asks(sandbox, vendor)
    assert (answer.status_code, answer.content) == (vendor.too_many.status, vendor.too_many.content)
    assert answer.headers["retry-after"] == "7"
    sandbox.arm_fault(vendor.name, "too_many")
    assert "retry-after" not in _asks(sandbox, vendor).headers
    books = sandbox.ledger()[vendor.name]
    assert (books["calls"], books["refused"], books["billed"]) == (2, 2, 0)


def test_what_a_vendors_answers_do_not_have_no_fault_can_spoil(sandbox):
    (census,) = load_vendors(["census"])
    well = _asks(sandbox, census)
    for kind in ("expired_key", "empty_wallet", "renamed_field", "duplicate_page", "wrong_total"):
        assert not census.can_suffer(kind)
        sandbox.arm_fault("census", kind)
        assert _asks(sandbox, census).content == well.content, kind
