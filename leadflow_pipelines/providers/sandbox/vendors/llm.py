"""A language model as an OpenAI-compatible endpoint answers, with faults of its own in what it says.

It words the facts it is given, truly and the same each time; a fault of the dial makes it lie, ramble, promise, obey
its data, answer in another shape, or count wrongly. Every answer bills its tokens, whatever it says.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from leadflow_pipelines.providers.sandbox.faults import KINDS, OWN_KINDS, Fault, FaultSwitch
from leadflow_pipelines.providers.sandbox.vendor import NO_SUCH_PATH, Reply, Request, Shape, Vendor
from leadflow_pipelines.providers.sandbox.world import World

PREFIX = "/llm"
KEY = "sandbox-llm-key"
MODEL = "simulated-writer"
LETTERS_PER_TOKEN = 4
LETTER = [
    "I am writing about the property on {street} in {city}. My name is on this letter because I buy a few homes here "
    "each year, and I wondered whether you have ever thought of selling yours.",
    "If you have, a short note to the address below is enough, and I will write back to you in person. If you have "
    "not, please excuse the trouble and set this letter aside. With thanks for reading, {sender_name}.",
]
ADDITIONS: Mapping[str, str] = {
    "lying_number": "It has 11 bedrooms and last sold for $987,654.",
    "lying_words": "It stands vacant and belongs to the Ravenscroft company.",
    "contact_details": "Call 615-555-0100 or see http://homes.example for more.",
    "promise": "We guarantee a cash offer and will close in days.",
    "over_long": "It is a property in the records like many others there. " * 40,
}
"""What a fault adds to the last part of an answer."""
QUOTED = ("land use, quoted from the records", "style, quoted from the records")


def _refused(status: int, code: str, message: str) -> Reply:
    return Reply(status, {"error": {"message": message, "type": code, "param": None, "code": code}})


class Desk:
    """The endpoint."""

    def __init__(self, world: World, faults: FaultSwitch) -> None:
        self._faults = faults

    def answer(self, request: Request) -> tuple[Reply, Fault | None]:
        """The reply, and the fault that its way to the caller still has to suffer."""
        fault = self._faults.next_for("llm", None, request.body, (*KINDS, *OWN_KINDS["llm"]))
        if refused := _refused_by(fault):
            return refused, None
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return UNAUTHORIZED, None
        if request.method != "POST" or request.path != "/v1/chat/completions":
            return NO_SUCH_PATH, None
        asked = request.json()
        if not isinstance(asked, dict) or not isinstance(asked.get("messages"), list) or "model" not in asked:
            return _refused(400, "invalid_request_error", "model and messages, please"), None
        if asked["model"] != MODEL:
            return _refused(404, "model_not_found", f"The model {asked['model']!r} does not exist"), None
        kind = fault.kind if fault else None
        return _completion(asked, kind), fault if fault and kind in KINDS else None


def _refused_by(fault: Fault | None) -> Reply | None:
    """The answer of a fault under which nothing is written."""
    after = {"Retry-After": fault.retry_after} if fault is not None and fault.retry_after is not None else {}
    match fault:
        case Fault(kind="status"):
            return Reply(fault.status, {"error": {"message": "Simulated", "code": "server_error"}}, headers=after)
        case Fault(kind="too_many"):
            return Reply(429, VENDOR.too_many.body, headers=after)
        case Fault(kind="expired_key"):
            return UNAUTHORIZED
        case Fault(kind="empty_wallet"):
            return NO_MONEY
    return None


def _completion(asked: Mapping[str, Any], kind: str | None) -> Reply:
    content = _spoiled(_written(asked["messages"]), asked["messages"], kind)
    is_cut = kind == "cut_short"
    if is_cut:
        content = content[: len(content) // 3]
    most = asked.get("max_completion_tokens") or asked.get("max_tokens") or 1_000
    prompt = len(orjson.dumps(asked["messages"])) // LETTERS_PER_TOKEN
    written = most * 50 if kind == "over_usage" else min(most, len(content) // LETTERS_PER_TOKEN)
    message: dict[str, Any] = {"role": "assistant", "content": content, "refusal": None}
    if kind == "declines":
        message |= {"content": None, "refusal": "I cannot help with that."}
    body: dict[str, Any] = {
        "id": "chatcmpl-simulated", "object": "chat.completion", "created": 1_795_305_600, "model": MODEL,
        "choices": [
            {"index": 0, "message": message, "logprobs": None, "finish_reason": "length" if is_cut else "stop"}
        ],
        "usage": {"prompt_tokens": prompt, "completion_tokens": written, "total_tokens": prompt + written},
    }  # fmt: skip
    if kind == "no_usage":
        del body["usage"]
    return Reply(200, body, billed=prompt + written)


def _written(messages: Sequence[Mapping[str, str]]) -> tuple[str, list[str]]:
    """The key and the texts of a true answer."""
    if "`paragraphs`" in messages[0]["content"]:
        return "paragraphs", LETTER
    return "sentences", _sentences(_facts(messages))


def _facts(messages: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """The facts in the first message of the user."""
    told = next((one["content"] for one in messages if one["role"] == "user"), "{}")
    facts: dict[str, Any] = orjson.loads(told).get("facts", {})
    return facts


def _sentences(facts: Mapping[str, Any]) -> list[str]:
    """The facts in sentences, each figure as it is given."""
    place = " ".join(str(facts[name]) for name in ("city", "state") if name in facts) or "the records"
    home = [f"{facts[name]} {name}" for name in ("bedrooms", "bathrooms") if name in facts]
    home += [f"{facts[name]} of {name}" for name in ("living area", "lot area") if name in facts]
    built = f" built in {facts['year built']}" if "year built" in facts else ""
    sold = f" It last sold on {facts['last sale or transfer']}" if "last sale or transfer" in facts else ""
    price = f" for {facts['last sale price']}" if sold and "last sale price" in facts else ""
    value = facts.get("market value per the records")
    score = facts.get("score in points of 100")
    return [
        f"This is a home in {place}{built}{', with ' + ' and '.join(home) if home else ''}.",
        f"The owner is {facts.get('kind of owner', 'not described')}.{sold}{price}{'.' if sold else ''}",
        f"Its market value in the records is {value}." if value else "Its value is not in the records.",
        f"It scores {score} points as a lead." if score else "It has no score as a lead.",
    ]


def _spoiled(written: tuple[str, list[str]], messages: Sequence[Mapping[str, str]], kind: str | None) -> str:
    """The answer's text as the fault leaves it."""
    key, parts = written
    if kind == "not_json":
        return "Of course! Here is what I think: " + " ".join(parts)
    if kind == "wrong_schema":
        return orjson.dumps({"summary": parts}).decode()
    addition = ADDITIONS.get(kind or "", "")
    if kind == "gullible":
        facts = _facts(messages)
        addition = " ".join(str(facts[name]) for name in QUOTED if name in facts) + "."
    changed = [*parts[:-1], f"{parts[-1]} {addition}"] if addition else parts
    return orjson.dumps({key: changed}).decode()


def _no_answer(world: World, request: Request) -> Reply:
    """Without a desk there is no endpoint: the server opens one."""
    return NO_SUCH_PATH


UNAUTHORIZED = _refused(401, "invalid_api_key", "Incorrect API key provided")
NO_MONEY = _refused(429, "insufficient_quota", "You exceeded your current quota")
VENDOR = Vendor(
    name="llm",
    prefixes=(PREFIX,),
    answer=_no_answer,
    open_desk=Desk,
    settings=lambda url: {
        "llm_base_url": f"{url}{PREFIX}/v1",
        "llm_api_key": KEY,
        "llm_model": MODEL,
        "llm_input_dollars_per_million": "0.40",
        "llm_output_dollars_per_million": "1.60",
    },
    shape=Shape(),
    expired=UNAUTHORIZED,
    empty=NO_MONEY,
    too_many=_refused(429, "rate_limit_exceeded", "Rate limit reached"),
)
