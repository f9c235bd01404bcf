"""What replies mean: every reasonable way to withdraw counts, and what may be one counts too."""

import csv
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadflow_pipelines.compliance.read_reply import is_one_slip, load_reply_words, plain_text, read_reply

WORDS = load_reply_words(date(2026, 11, 22))
REPLIES = list(csv.DictReader((Path(__file__).parents[1] / "fixtures" / "replies.csv").open(encoding="utf-8")))
PER_SE = ("stop", "quit", "end", "revoke", "opt out", "cancel", "unsubscribe")
"""47 CFR 64.1200(a)(10)."""


def test_opt_outs_are_found_and_others_left_alone() -> None:
    told = [(row["text"], row["is_opt_out"] == "yes", read_reply(row["text"], words=WORDS)) for row in REPLIES]
    judged = [one for one, row in zip(told, REPLIES, strict=True) if row["is_opt_out"]]
    missed = [text for text, is_opt_out, reading in judged if is_opt_out and not reading.suppresses]
    mistaken = [text for text, is_opt_out, reading in judged if not is_opt_out and reading.suppresses]
    opt_outs = sum(is_opt_out for _, is_opt_out, _ in judged)
    found = opt_outs - len(missed)
    recall, precision = found / opt_outs, found / (found + len(mistaken))
    print(f"\n{len(judged)} replies, {opt_outs} of them opt-outs: recall {recall:.3f}, precision {precision:.3f}")
    assert opt_outs >= 60
    assert recall >= 0.99, missed
    assert precision >= 0.99, mistaken


@pytest.mark.parametrize("row", [row for row in REPLIES if row["reply_class"]], ids=lambda row: row["text"])
def test_a_reply_is_of_its_class(row: dict[str, str]) -> None:
    assert read_reply(row["text"], words=WORDS).reply_class == row["reply_class"]


@pytest.mark.parametrize("word", PER_SE)
@pytest.mark.parametrize("written", ["{}", " {}. ", "{}!", "PLEASE {}", "{} now", "{}\n", '"{}"'])
def test_words_of_the_rule_are_certain_however_written(word: str, written: str) -> None:
    for text in (written.format(word), written.format(word).upper(), written.format(word.title())):
        reading = read_reply(text, words=WORDS)
        assert (reading.reply_class, reading.suppresses, reading.needs_person) == ("revocation", True, False), text


def test_what_is_doubtful_suppresses_and_asks_a_person() -> None:
    for text in ("stpo", "how did you get my number", "my lawyer will be in touch", "that scam again"):
        reading = read_reply(text, words=WORDS)
        assert (reading.suppresses, reading.needs_person) == (True, True), text


@pytest.mark.parametrize(
    ("text", "class_of_it"),
    [
        ("stop by tomorrow", "interested"),
        ("don't stop", "other"),
        ("I can't stop thinking about selling", "interested"),
    ],
)
def test_a_word_for_stopping_that_stops_nothing_is_left_alone(text: str, class_of_it: str) -> None:
    reading = read_reply(text, words=WORDS)
    assert (reading.reply_class, reading.suppresses) == (class_of_it, False)


@pytest.mark.parametrize(
    "text", ["stop by tomorrow and I'll call the cops", "why don't you stop", "you guys never stop do you", "🖕"]
)
def test_and_one_that_may_stop_suppresses_and_asks_a_person(text: str) -> None:
    reading = read_reply(text, words=WORDS)
    assert (reading.suppresses, reading.needs_person) == (True, True)


def test_what_the_messenger_recognised_outranks_the_text() -> None:
    assert read_reply("arret", opt_out_type="STOP", words=WORDS).suppresses
    assert read_reply("stop", opt_out_type="START", words=WORDS).reply_class == "start"
    assert read_reply("??", opt_out_type="HELP", words=WORDS).reply_class == "help"


@given(before=st.text(max_size=30), after=st.text(max_size=30))
def test_any_text_is_read(before: str, after: str) -> None:
    reading = read_reply(f"{before} remove me from your list {after}", words=WORDS)
    assert reading.suppresses or reading.reply_class == "other"
    assert plain_text(plain_text(before)) == plain_text(before) or not before.isascii()


@given(st.text(max_size=60))
def test_reading_is_total(text: str) -> None:
    reading = read_reply(text, words=WORDS)
    assert not reading.needs_person or reading.suppresses


def test_one_slip_is_one_letter_or_two_neighbours() -> None:
    assert all(is_one_slip(slip, "stop") for slip in ("sto", "stopp", "stip", "sotp", "tsop", "stop"))
    assert not any(is_one_slip(word, "stop") for word in ("so", "spot", "pots", "stoppp", "shot"))
