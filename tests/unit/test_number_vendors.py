"""DNCScrub and RealPhoneValidation: requests as published, answers into yes, no and unknown; nothing lost, no guess."""

import datetime as dt
from urllib.parse import parse_qsl

import orjson
import polars as pl
import pytest

from leadflow_pipelines.errors import Terminal, Transient
from leadflow_pipelines.providers.configured import provider_states
from leadflow_pipelines.providers.sources import dncscrub, realphonevalidation
from leadflow_pipelines.providers.sources.dncscrub import DncScrub
from leadflow_pipelines.providers.sources.number_vendors import NUMBER_VENDORS
from leadflow_pipelines.providers.sources.realphonevalidation import RealPhoneValidation
from leadflow_pipelines.settings import load_settings
from tests.raw_items import DAY, answer

SECRET = "top-secret"
SCRUB = DncScrub(base_url="http://127.0.0.1:1/", data_base_url="http://127.0.0.1:2", api_key=SECRET)
RPV = RealPhoneValidation(base_url="http://127.0.0.1:1/", api_key=SECRET)
A, B = "+12025550100", "+12025550101"
SINCE = dt.date(2023, 6, 1)


def _raw(*payloads):
    return pl.DataFrame({"payload": [orjson.dumps(one).decode() for one in payloads], "item_key": [A] * len(payloads)})


def _scrubbed(code, reason=";;;"):
    told = dncscrub.dnc_answers(_raw({"Phone": "2025550100", "ResultCode": code, "Reason": reason})).row(0, named=True)
    assert told["phone"] == A
    return told["answer"], told["is_litigator"]


@pytest.mark.parametrize("code", ["C", "W", "Y", "E", "G", " c "])
def test_only_codes_of_no_list_are_a_no(code):
    assert _scrubbed(code) == ("no", False)


@pytest.mark.parametrize("code", ["D", "L", "F", "X", "O", "H", "V"])
def test_hits_and_the_vendors_exemptions_are_a_yes(code):
    assert _scrubbed(code, "National (USA) 2003-06-01;;;") == ("yes", None)
    assert _scrubbed(code, "Litigator") == ("yes", True)


@pytest.mark.parametrize("code", ["?", "", None, "Q", "clean", "DC"])
def test_codes_that_nobody_described_are_unknown(code):
    assert _scrubbed(code) == ("unknown", None)


@pytest.mark.parametrize(
    ("said", "wanted"),
    [(True, "yes"), (False, "no"), (1, "yes"), (0, "no"), (None, "unknown"), ("", "unknown"), ("maybe", "unknown")],
)
def test_reassigned_is_true_false_or_unknown(said, wanted):
    told = dncscrub.reassigned_answers(_raw({"PhoneNumber": "2025550100", "IsReassigned": said}))
    assert told.select("phone", "answer").row(0) == (A, wanted)
    assert dncscrub.reassigned_answers(_raw({"PhoneNumber": "2025550100"}))["answer"].to_list() == ["unknown"]


@pytest.mark.parametrize(
    ("flags", "wanted"),
    [("NNNN", ("no", False)), ("YNNN", ("yes", False)), ("NYNN", ("yes", False)), ("NNYN", ("yes", False)),
     ("NNNY", ("yes", True)), ("Y???", ("yes", None)), ("????", ("unknown", None)), ("N?NN", ("unknown", False)),
     ("NNN?", ("unknown", None)), ("NN-N", ("unknown", False)), ("nnnn", ("no", False))],
)  # fmt: skip
def test_four_plain_n_are_a_no_and_one_y_is_a_yes(flags, wanted):
    lists = {name: flag for name, flag in zip(realphonevalidation.LISTS, flags, strict=True) if flag != "-"}
    told = realphonevalidation.dnc_answers(_raw({"RESPONSECODE": "OK", **lists}))
    assert told.select("phone", "answer", "is_litigator").row(0) == (A, *wanted)


@pytest.mark.parametrize(
    ("said", "wanted"),
    [("yes", "yes"), ("no", "no"), ("NO", "no"), ("no_data", "unknown"), ("no data", "unknown"),
     ("undetermined", "unknown")],
)  # fmt: skip
def test_only_yes_and_no_answer_a_question_of_reassignment(said, wanted):
    assert realphonevalidation.reassigned_answers(_raw({"reassigned": said}))["answer"].to_list() == [wanted]


def test_requests_are_as_published_and_show_neither_key_nor_number():
    scrub = SCRUB.request(dncscrub.dnc_calls([A, B], DAY))
    assert (scrub.method, str(scrub.url)) == ("POST", "http://127.0.0.1:1/app/main/rpc/scrub")
    assert scrub.headers["loginId"] == SECRET
    assert orjson.loads(scrub.content) == {"phoneList": "2025550100,2025550101", "version": "5", "output": "json"}
    moved = SCRUB.request(dncscrub.reassigned_calls([(A, SINCE)], DAY))
    assert str(moved.url) == "http://127.0.0.1:2/v1.5/Data/RNDBasic"
    assert orjson.loads(moved.content) == {"Data": [{"phoneNumber": "2025550100", "date": "2023-06-01"}]}
    lists = RPV.request(realphonevalidation.dnc_calls([A], DAY))
    assert dict(parse_qsl(lists.url.query.decode())) == {"phone": "2025550100", "output": "json", "token": SECRET}
    assert lists.url.raw_path.startswith(b"/rpvWebService/DNCLookup.php?")
    assert "?" not in str(lists.url)
    hands = RPV.request(realphonevalidation.reassigned_calls([(A, SINCE)], DAY))
    assert dict(parse_qsl(hands.url.query.decode()))["contact_date"] == "2023-06-01"


def test_answers_in_any_order_find_their_number_and_one_left_out_has_none():
    calls = dncscrub.dnc_calls([A, B, "+12025550102"], DAY)
    entries = [{"Phone": "2025550101", "ResultCode": "D"}, {"Phone": "2025550100", "ResultCode": "C"}]
    replies = SCRUB.read(answer(entries), calls)
    assert [[item.key for item in reply.items] for reply in replies] == [[A], [B], []]
    assert [reply.billed for reply in replies] == [1, 1, 1]


@pytest.mark.parametrize(
    "entries",
    [
        {"Message": "no list"},
        [{"ResultCode": "C"}],
        [{"Phone": "2025550199", "ResultCode": "C"}],
        [{"Phone": "2025550100", "ResultCode": "C"}, {"Phone": "2025550100", "ResultCode": "D"}],
    ],
)
def test_answers_about_nobody_somebody_else_or_one_number_twice_are_refused(entries):
    with pytest.raises(Terminal):
        SCRUB.read(answer(entries), dncscrub.dnc_calls([A], DAY))


def test_what_realphonevalidation_refuses_is_told_apart():
    def said(status=200, **body):
        return RPV.accepts(answer(body, status=status))

    assert said(RESPONSECODE="OK")
    with pytest.raises(Transient) as haste:
        said(403)
    assert haste.value.is_throttled
    with pytest.raises(Terminal, match="LEADFLOW_REALPHONEVALIDATION_API_KEY"):
        said(RESPONSECODE="unauthorized")
    with pytest.raises(Terminal, match="refused with -1"):
        said(RESPONSECODE="-1")
    with pytest.raises(Terminal, match="national_dnc"):
        RPV.read(answer({"RESPONSECODE": "OK"}), realphonevalidation.dnc_calls([A], DAY))


def test_without_a_key_nobody_is_asked():
    told = {one.provider: one for one in provider_states(load_settings())}
    for name in NUMBER_VENDORS:
        assert not told[name].is_configured
        assert f"LEADFLOW_{name.upper()}_API_KEY" in told[name].note
