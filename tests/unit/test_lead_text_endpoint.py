"""The client of an OpenAI-compatible endpoint: the request it writes, the answers it reads, and what both cost."""

import datetime as dt
import logging
from decimal import Decimal

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadflow_pipelines.errors import InvalidSettings, Terminal, Transient
from leadflow_pipelines.leads.lead_text import summary_facts, why_not_ask
from leadflow_pipelines.leads.lead_text.prompts import PROMPT_DAY, first_question
from leadflow_pipelines.providers.source import HttpAnswer
from leadflow_pipelines.providers.sources.llm import Llm, chat_call, read_answer
from leadflow_pipelines.settings import load_settings
from leadflow_pipelines.spend.price_book import load_price_book
from leadflow_pipelines.spend.token_price import TokenPrice

DAY = dt.date(2026, 11, 22)
FACTS = summary_facts({"city": "Nashville", "year_built": 1962}, {})
ANSWER = {
    "id": "x", "object": "chat.completion", "created": 1, "model": "some-model",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hello"}}],
    "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120},
}  # fmt: skip


def settings(**more):
    given = {
        "llm_api_key": "k-1", "llm_model": "some-model", "llm_input_dollars_per_million": "0.40",
        "llm_output_dollars_per_million": "1.60", "llm_base_url": "http://127.0.0.1:9/v1/", **more,
    }  # fmt: skip
    return load_settings(**given)


def call(**more):
    question = first_question("summary", FACTS)
    return chat_call(
        settings(**more), messages=question.messages, shape_name=question.shape_name, shape=question.shape, day=DAY
    )


def answer(body, status=200):
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    return HttpAnswer(status, {}, content, 1)


def test_the_library_writes_the_request_and_only_what_is_asked_leaves(monkeypatch):
    monkeypatch.setenv("OPENAI_ORG_ID", "somebody")
    monkeypatch.setenv("OPENAI_BASE_URL", "https://elsewhere.example")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "Authorization: Bearer other\nX-Odd: 1")
    request = Llm.from_settings(settings()).request([call()])
    assert (request.method, str(request.url)) == ("POST", "http://127.0.0.1:9/v1/chat/completions")
    assert request.headers["authorization"] == "Bearer k-1"
    assert {*request.headers} == {"host", "accept", "content-type", "user-agent", "authorization", "content-length"}
    body = orjson.loads(request.content)
    assert body["model"] == "some-model"
    assert body["max_completion_tokens"] == 800
    assert body["response_format"]["json_schema"]["schema"]["required"] == ["sentences"]
    assert body.keys() == {"model", "messages", "response_format", "max_completion_tokens"}
    older = settings(llm_output_limit="max_tokens", llm_answer_format="json_object")
    body = orjson.loads(Llm.from_settings(older).request([call()]).content)
    assert (body["max_tokens"], body["response_format"]) == (800, {"type": "json_object"})


def test_a_question_is_its_content():
    assert call() == call()
    assert call().fingerprint != call(llm_model="another").fingerprint
    assert call().fingerprint == call(llm_input_dollars_per_million="9").fingerprint
    assert first_question("summary", FACTS) != first_question("letter", FACTS)


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_request_has_more_tokens_than_its_worst_case_counts(land_use, style):
    question = first_question("summary", summary_facts({"land_use": land_use, "style": style}, {}))
    asked = chat_call(
        settings(), messages=question.messages, shape_name=question.shape_name, shape=question.shape, day=DAY
    )
    sent = sum(len(message["content"].encode()) for message in question.messages) + len(orjson.dumps(question.shape))
    assert asked.most_items >= TokenPrice(Decimal("0.40"), Decimal("1.60")).units(sent, 800)


def test_tokens_become_money_by_the_price_book():
    asked = call()
    (reply,) = Llm.from_settings(settings()).read(answer(ANSWER), [asked])
    assert load_price_book().actual([asked], reply.billed, DAY) == Decimal("0.0072")
    assert load_price_book().worst_case([asked], DAY) > Decimal("0.0072")
    free = settings(llm_input_dollars_per_million="0", llm_output_dollars_per_million="0")
    (reply,) = Llm.from_settings(free).read(answer(ANSWER), [asked])
    assert reply.billed == 0


@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": "many"}, {"prompt_tokens": -1, "completion_tokens": 1}])
def test_tokens_that_are_not_told_cost_the_worst_case(usage):
    asked = call()
    (reply,) = Llm.from_settings(settings()).read(answer({**ANSWER, "usage": usage}), [asked])
    assert reply.billed == asked.most_items


def test_what_an_answer_says():
    said = read_answer(orjson.dumps(ANSWER).decode())
    assert (said.content, said.refusal, said.is_cut, said.input_tokens, said.output_tokens) == (
        "hello", None, False, 100, 20,
    )  # fmt: skip
    cut = {**ANSWER, "choices": [{"finish_reason": "length", "message": {"content": None}}]}
    assert read_answer(orjson.dumps(cut).decode()).is_cut
    declined = {**ANSWER, "choices": [{"finish_reason": "stop", "message": {"content": None, "refusal": "no"}}]}
    assert read_answer(orjson.dumps(declined).decode()).refusal == "no"


@pytest.mark.parametrize(
    "body",
    [{}, [], "text", {"choices": []}, {"choices": None}, {"choices": {}}, {"choices": [{}]}, {"choices": ["text"]},
     {"choices": [{"message": "text"}]}, {"choices": [{"message": None}]}, {"choices": [None]}],
)  # fmt: skip
def test_an_answer_without_a_message_is_terminal(body):
    with pytest.raises(Terminal, match="no message"):
        Llm.from_settings(settings()).read(answer(body), [call()])


def test_a_broken_body_is_worth_another_try():
    with pytest.raises(Transient):
        Llm.from_settings(settings()).read(answer(b'{"choices": ['), [call()])


def test_no_money_is_no_haste():
    client = Llm.from_settings(settings())
    with pytest.raises(Terminal, match="no money"):
        client.accepts(answer({"error": {"code": "insufficient_quota"}}, 429))
    assert not client.accepts(answer({"error": {"code": "rate_limit_exceeded"}}, 429))
    assert not client.accepts(answer(b"<html>", 429))
    assert client.accepts(answer(ANSWER))


def test_the_library_logs_no_request():
    assert not logging.getLogger("openai").isEnabledFor(logging.DEBUG)


def test_settings_are_whole_or_off():
    assert Llm.from_settings(load_settings()) is None
    with pytest.raises(InvalidSettings) as fault:
        load_settings(llm_api_key="k-1", llm_input_dollars_per_million="0.4")
    assert "LEADFLOW_LLM_MODEL and LEADFLOW_LLM_OUTPUT_DOLLARS_PER_MILLION must be set too" in str(fault.value)
    assert "k-1" not in str(fault.value)
    for name, wrong in (("llm_base_url", "not a url"), ("llm_input_dollars_per_million", "-1"),
                        ("llm_max_output_tokens", "5"), ("llm_output_limit", "tokens")):  # fmt: skip
        with pytest.raises(InvalidSettings, match=name.upper()):
            settings(**{name: wrong})


@pytest.mark.parametrize(
    ("url", "is_simulated", "code"),
    [
        ("https://models.example/v1", False, None),
        ("https://models.example/v1", True, "simulated_org"),
        ("http://127.0.0.1:9/v1", True, None),
        ("http://[::1]:9/v1", True, None),
        ("http://localhost:9/v1", True, None),
        ("http://localhost.models.example/v1", True, "simulated_org"),
    ],
)
def test_a_simulated_org_asks_only_this_machine(url, is_simulated, code):
    why = why_not_ask(settings(llm_base_url=url), is_simulated=is_simulated)
    assert (why and why[0]) == code


def test_an_answer_is_kept_in_the_partition_of_its_prompt():
    assert PROMPT_DAY <= DAY
