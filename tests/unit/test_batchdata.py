"""BatchData: both recorded shapes into contact rows, tied to the right request, unknown flags null."""

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path

import orjson
import polars as pl
import pytest

from leadflow_pipelines.errors import Terminal, Transient
from leadflow_pipelines.providers.pulls import raw_frame
from leadflow_pipelines.providers.source import HttpAnswer
from leadflow_pipelines.providers.sources.batchdata import BatchData, skip_trace_calls
from leadflow_pipelines.providers.sources.batchdata_rows import SCHEMA, to_contact_rows
from leadflow_pipelines.spend.price_book import load_price_book, split_cents

DAY = dt.date(2026, 11, 21)
FETCHED_AT = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
FIXTURES = Path(__file__).parents[1] / "fixtures"
CLIENT = BatchData(base_url="http://127.0.0.1:1/api/v1", api_key="top-secret")


def _calls(count):
    people = pl.DataFrame(
        {
            "request_id": [f"lead-{n}" for n in range(count)],
            "zip": "19103",
            "street": [f"{n} EXAMPLE ST" for n in range(count)],
            "city": "PHILADELPHIA",
            "state": "PA",
            "zip5": "19103",
        }
    )
    return skip_trace_calls(people, DAY)


def _wire_ids(calls):
    return [one["requestId"] for one in orjson.loads(CLIENT.request(calls).read())["requests"]]


def _recorded(name, calls):
    text = (FIXTURES / name).read_text()
    for number, request_id in enumerate(_wire_ids(calls)):
        text = text.replace(f'"@{number}"', f'"{request_id}"')
    return json.loads(text)


def _read(body, calls):
    return CLIENT.read(HttpAnswer(200, {}, orjson.dumps(body), 1), calls)


def _contacts(name, calls):
    replies = _read(_recorded(name, calls), calls)
    cost = load_price_book().actual(calls, sum(reply.billed for reply in replies), DAY)
    costs = split_cents(cost, [reply.billed for reply in replies])
    return to_contact_rows(raw_frame(calls, replies, costs, FETCHED_AT), calls)


def test_the_older_shape():
    rows = _contacts("batchdata_v1.json", _calls(3))
    assert rows.schema == pl.Schema(SCHEMA)
    columns = ["request_id", "phone_e164", "line_type", "is_on_dnc", "is_reachable", "is_litigator"]
    assert rows.filter(kind="phone").select(columns).rows() == [
        ("lead-0", "+12155550100", "mobile", False, True, False),
        ("lead-0", "+12155550101", "landline", True, None, False),
        ("lead-0", "+12155550102", "voip", None, False, False),
        ("lead-1", "+12155550110", None, None, None, True),
    ]
    emails = rows.filter(kind="email")
    assert emails.select("request_id", "email", "person_name").rows() == [
        ("lead-0", "iris@mail.example", "Iris Exampleton")
    ]


def test_the_newer_shape():
    rows = _contacts("batchdata_v3.json", _calls(2))
    columns = ["request_id", "phone_e164", "email", "is_on_dnc", "is_reachable", "is_litigator", "rank"]
    assert rows.select(columns).rows() == [
        ("lead-0", "+12155550100", None, False, True, False, 1),
        ("lead-0", "+12155550101", None, True, None, True, 2),
        ("lead-0", None, "iris@mail.example", None, None, False, 1),
    ]


def test_each_match_is_billed_once_and_stands_on_its_first_contact():
    calls = _calls(3)
    replies = _read(_recorded("batchdata_v1.json", calls), calls)
    assert [reply.billed for reply in replies] == [1, 1, 0]
    assert [len(reply.items) for reply in replies] == [1, 2, 0]
    rows = _contacts("batchdata_v1.json", calls)
    assert rows["cost_cents"].to_list() == [7, 0, 0, 0, 7]


def test_two_leads_at_one_address_share_what_was_found():
    calls = _calls(1)
    replies = _read(_recorded("batchdata_v3.json", [*calls, *_calls(2)[1:]]), _calls(2))
    raw = raw_frame(_calls(2), replies, [Decimal(0), Decimal(0)], FETCHED_AT)
    twin = skip_trace_calls(
        pl.DataFrame(
            {
                "request_id": "twin",
                "zip": "19103",
                "street": "0 EXAMPLE ST",
                "city": "PHILADELPHIA",
                "state": "PA",
                "zip5": "19103",
            }
        ),
        DAY,
    )
    rows = to_contact_rows(raw, [*calls, *twin])
    assert rows.filter(request_id="twin").height == rows.filter(request_id="lead-0").height == 3


def test_people_for_a_request_that_was_not_made_are_refused():
    calls = _calls(2)
    body = _recorded("batchdata_v3.json", calls)
    body["result"]["data"][0]["input"]["requestId"] = "somebody-else"
    with pytest.raises(Terminal, match="requests that were not made"):
        _read(body, calls)
    body["result"]["data"][0]["input"] = {}
    with pytest.raises(Terminal, match="does not say for which request"):
        _read(body, calls)


@pytest.mark.parametrize(("name", "count"), [("batchdata_v1.json", 3), ("batchdata_v3.json", 2)])
def test_the_casing_of_keys_does_not_matter(name, count):
    def recased(value, change):
        if isinstance(value, dict):
            return {change(key): recased(one, change) for key, one in value.items()}
        return [recased(one, change) for one in value] if isinstance(value, list) else value

    calls = _calls(count)
    body, usual = _recorded(name, calls), _contacts(name, calls)
    for change in (str.lower, lambda key: key[:1].upper() + key[1:]):
        replies = _read(recased(body, change), calls)
        raw = raw_frame(calls, replies, [Decimal(reply.billed * 7) for reply in replies], FETCHED_AT)
        assert to_contact_rows(raw, calls).equals(usual)


@pytest.mark.parametrize(("count", "billed"), [(0, [1, 1, 0]), (2, [1, 1, 0]), (3, [1, 1, 1]), (99, [1, 1, 1])])
def test_a_wrong_count_loses_nobody_and_is_believed_for_the_bill_alone(count, billed):
    calls = _calls(3)
    body = _recorded("batchdata_v1.json", calls)
    body["results"]["meta"] = {"results": {"matchCount": count}}
    replies = _read(body, calls)
    assert [len(reply.items) for reply in replies] == [1, 2, 0]
    assert [reply.billed for reply in replies] == billed
    body["results"]["persons"] = [one for one in body["results"]["persons"] if (one.get("meta") or {}).get("matched")]
    if count > 2:
        with pytest.raises(Terminal, match="matches are told of"):
            _read(body, calls)


def test_broken_bodies():
    with pytest.raises(Transient):
        CLIENT.read(HttpAnswer(200, {}, b'{"status"', 1), _calls(1))
    with pytest.raises(Terminal, match=r"neither results.persons nor result.data"):
        _read({"status": {"code": 200}, "something": []}, _calls(1))


def test_the_request_asks_by_address_and_name():
    people = pl.DataFrame(
        {
            "request_id": ["a", "b", "c"],
            "zip": "19103",
            "street": ["1 EXAMPLE ST", None, "2 EXAMPLE ST"],
            "city": "PHILADELPHIA",
            "state": "PA",
            "zip5": "19103",
            "first_name": ["IRIS", "X", None],
            "last_name": ["EXAMPLETON", "Y", "ONLY LAST"],
        }
    )
    calls = skip_trace_calls(people, DAY)
    assert [call.item_key for call in calls] == ["a", "c"]
    request = CLIENT.request(calls)
    assert request.headers["authorization"] == "Bearer top-secret"
    sent = orjson.loads(request.read())["requests"]
    assert sent[0]["name"] == {"first": "IRIS", "last": "EXAMPLETON"}
    assert sent[0]["propertyAddress"]["street"] == "1 EXAMPLE ST"
    assert "name" not in sent[1]
    assert len(set(_wire_ids(calls))) == 2
