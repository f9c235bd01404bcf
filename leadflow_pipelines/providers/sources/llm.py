"""A language model behind an OpenAI-compatible endpoint: one question, one answer in a given JSON shape.

Source of truth: the vendor's library, which writes the request and reads the answer (`POST {base}/chat/completions`).
The bytes in between are the guard's, as for every provider: one deadline for all of it, bounded size, no redirects,
retries with a reservation each; the library itself sends nothing and retries nothing. Billing: tokens, as `usage`
tells them; an answer that tells none counts at its worst case. Not here: what is asked, and whether to believe the
answer (`leads.lead_text`).
"""

import datetime as dt
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import httpx
import orjson

from leadflow_pipelines.errors import Terminal
from leadflow_pipelines.providers.source import HttpAnswer, Item, Reply
from leadflow_pipelines.providers.sources.pages import read_json, shape_changed, value_of
from leadflow_pipelines.settings import Settings
from leadflow_pipelines.spend.call import Call
from leadflow_pipelines.spend.token_price import TokenPrice

if TYPE_CHECKING:
    import httpx2

logging.getLogger("openai").setLevel(logging.WARNING)
"""Below that its lines hold whole requests."""

NAME = "llm"
ENDPOINT = "chat/completions"
SENT_HEADERS = ("accept", "content-type", "user-agent")
"""Of the library's headers. Those that describe this machine, or come from variables of its own, stay here."""
TEMPLATE_TOKENS = 256
"""What an endpoint may put around the messages: roles, a system text of the model's own."""
NO_MONEY = {"insufficient_quota", "billing_hard_limit_reached", "insufficient_balance"}
NO_MONEY_REMEDY = "The account has no money left, or no quota: see the vendor's billing page."
Message = Mapping[str, str]


@dataclass(frozen=True)
class ChatAnswer:
    """What a model answered. `content`: its words, null where it gave none; `refusal`: its words where it declined;
    `is_cut`: it ran out of tokens; tokens are null where the endpoint did not count.
    """

    content: str | None
    refusal: str | None
    is_cut: bool
    model: str | None
    input_tokens: int | None
    output_tokens: int | None


def chat_call(
    settings: Settings, *, messages: Sequence[Message], shape_name: str, shape: Mapping[str, Any], day: dt.date
) -> Call:
    """The question with its worst price: no token is shorter than a byte, so that a request has fewer than bytes.

    shape: the JSON schema of the answer. day: whose partition keeps the answer; it is part of the question's identity.
    """
    assert settings.llm_model is not None
    parameters = {
        "model": settings.llm_model,
        "messages": [dict(one) for one in messages],
        "shape_name": shape_name,
        "shape": dict(shape),
        "max_output_tokens": settings.llm_max_output_tokens,
    }
    most_input = len(orjson.dumps(parameters)) + TEMPLATE_TOKENS
    worst = _price(settings).units(most_input, settings.llm_max_output_tokens)
    return Call(NAME, ENDPOINT, parameters, None, day, most_items=worst)


def read_answer(payload: str) -> ChatAnswer:
    """The answer in a stored item, as the vendor's library understands it. Raises ValueError where it holds none."""
    from openai.types.chat import ChatCompletion  # noqa: PLC0415 - a second that only those with a key pay
    from openai.types.chat.chat_completion import Choice  # noqa: PLC0415

    said = ChatCompletion.construct(**orjson.loads(payload))
    choice = said.choices[0] if isinstance(said.choices, list) and said.choices else None
    if not isinstance(choice, Choice) or not hasattr(choice.message, "content"):
        raise ValueError("no message")
    return ChatAnswer(
        content=_text(choice.message.content),
        refusal=_text(choice.message.refusal) or None,
        is_cut=choice.finish_reason == "length",
        model=_text(said.model),
        input_tokens=_count(getattr(said.usage, "prompt_tokens", None)),
        output_tokens=_count(getattr(said.usage, "completion_tokens", None)),
    )


class Llm:
    """The client."""

    name = NAME
    batch_size = 1
    remedies: Mapping[int, str] = {
        400: "The endpoint does not take the request: see LEADFLOW_LLM_OUTPUT_LIMIT and LEADFLOW_LLM_ANSWER_FORMAT.",
        401: "Check LEADFLOW_LLM_API_KEY.",
        402: NO_MONEY_REMEDY,
        403: "Check LEADFLOW_LLM_API_KEY, and that the account may use LEADFLOW_LLM_MODEL.",
        404: "Check LEADFLOW_LLM_BASE_URL (it often ends in /v1) and LEADFLOW_LLM_MODEL.",
    }

    def __init__(
        self, *, base_url: str, api_key: str, price: TokenPrice, output_limit: str, answer_format: str
    ) -> None:
        self._base_url, self._api_key, self._price = base_url.rstrip("/"), api_key, price
        self._output_limit, self._answer_format = output_limit, answer_format

    @classmethod
    def from_settings(cls, settings: Settings) -> "Llm | None":
        """The client these settings describe, or None without a key."""
        if settings.llm_api_key is None:
            return None
        return cls(
            base_url=str(settings.llm_base_url),
            api_key=settings.llm_api_key.get_secret_value(),
            price=_price(settings),
            output_limit=settings.llm_output_limit,
            answer_format=settings.llm_answer_format,
        )

    def request(self, calls: Sequence[Call]) -> httpx.Request:
        """The request as the vendor's library writes it."""
        (call,) = calls
        written = self._written(call.parameters)
        headers = {name: written.headers[name] for name in SENT_HEADERS if name in written.headers}
        headers["authorization"] = f"Bearer {self._api_key}"  # whatever OPENAI_CUSTOM_HEADERS may say
        return httpx.Request(written.method, str(written.url), content=written.content, headers=headers)

    def accepts(self, answer: HttpAnswer) -> bool:
        """Only 200 carries an answer. An account without money answers 429, as haste does, but no wait helps it."""
        if answer.status == 429 and _error_code(answer) in NO_MONEY:
            raise Terminal("the account has no money left (429)", provider=NAME, remedy=NO_MONEY_REMEDY)
        return answer.status == 200

    def read(self, answer: HttpAnswer, calls: Sequence[Call]) -> list[Reply]:
        """The answer as it came, and its price by `usage`. Whatever the model said is an answer, and paid for."""
        (call,) = calls
        body = read_json(answer, NAME)
        payload = orjson.dumps(body).decode()
        try:
            said = read_answer(payload)
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise Terminal("the answer holds no message", provider=NAME, remedy=shape_changed(call)) from error
        counted = said.input_tokens is not None and said.output_tokens is not None
        billed = self._price.units(said.input_tokens or 0, said.output_tokens or 0) if counted else call.most_items
        return [Reply([Item(None, payload)], billed=billed, parameters=call.parameters)]

    def follow_up(self, call: Call, parameters: Mapping[str, Any], items: int) -> Call | None:
        """None: a question is answered whole."""
        return None

    def _written(self, parameters: Mapping[str, Any]) -> "httpx2.Request":
        """What the library would send: it finds a network that takes nothing."""
        import httpx2  # noqa: PLC0415 - a second that only those with a key pay
        from openai import APIConnectionError, OpenAI  # noqa: PLC0415

        written: list[httpx2.Request] = []

        def take(request: httpx2.Request) -> httpx2.Response:
            written.append(request)
            raise httpx2.ConnectError("written, not sent")

        named = {"name": parameters["shape_name"], "strict": True, "schema": parameters["shape"]}
        is_schema = self._answer_format == "json_schema"
        wanted: dict[str, Any] = {
            "model": parameters["model"],
            "messages": parameters["messages"],
            "response_format": {"type": "json_schema", "json_schema": named} if is_schema else {"type": "json_object"},
            self._output_limit: parameters["max_output_tokens"],
        }
        network = httpx2.Client(transport=httpx2.MockTransport(take))
        with (
            OpenAI(api_key=self._api_key, base_url=self._base_url, max_retries=0, http_client=network) as client,
            suppress(APIConnectionError),
        ):
            client.chat.completions.create(**wanted)
        return written[0]


def _price(settings: Settings) -> TokenPrice:
    return TokenPrice(
        settings.llm_input_dollars_per_million or Decimal(0), settings.llm_output_dollars_per_million or Decimal(0)
    )


def _error_code(answer: HttpAnswer) -> str | None:
    try:
        told = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return None
    code = value_of(told, "error", "code") or value_of(told, "error", "type")
    return str(code) if code is not None else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
