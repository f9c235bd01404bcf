"""Contacts known by keyed hashes: one written form, every key version, the file of keys."""

import hashlib
import hmac
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import polars as pl
import pytest
from pydantic import SecretStr

from leadflow_pipelines.clearance.hash_keys import load_hash_keys, parse_hash_keys
from leadflow_pipelines.compliance.contact_hash import (
    HashKeys,
    all_hashes,
    contact_hash,
    with_contact_hash,
    with_every_hash,
)
from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.settings import Settings

KEYS = HashKeys(2, {1: bytes(range(32)), 2: bytes(range(200, 232))})


def test_it_is_hmac_sha256_of_kind_and_compared_form() -> None:
    told = hmac.new(bytes(range(200, 232)), b"phone\0+16155550123", hashlib.sha256).hexdigest()
    assert contact_hash("phone", "(615) 555-0123", KEYS) == f"v2:{told}"
    old = hmac.new(bytes(range(32)), "email\0zoë@mail.example".encode(), hashlib.sha256).hexdigest()
    assert contact_hash("email", " ZOË@mail.example", KEYS, version=1) == f"v1:{old}"


def test_kinds_and_keys_give_different_hashes() -> None:
    assert contact_hash("phone", "x", KEYS) != contact_hash("email", "x", KEYS)
    assert all_hashes("phone", "+16155550123", KEYS) == [
        contact_hash("phone", "+16155550123", KEYS, version=2),
        contact_hash("phone", "+16155550123", KEYS, version=1),
    ]
    with pytest.raises(KeyError):
        contact_hash("phone", "x", KEYS, version=3)


def test_a_frame_hashes_as_its_rows_do() -> None:
    frame = pl.DataFrame({"kind": ["phone", "email", "phone"], "contact_value": ["6155550123", "A@b.example", None]})
    one = contact_hash("phone", "+16155550123", KEYS), contact_hash("email", "a@b.example", KEYS), None
    assert with_contact_hash(frame, KEYS)["contact_hash"].to_list() == list(one)
    assert with_every_hash(frame, KEYS)["contact_hashes"].to_list()[0] == all_hashes("phone", "6155550123", KEYS)


@pytest.mark.parametrize("text", ["", "1", "1:zz", "1:00", "0:" + "00" * 32, "1:" + "00" * 32 + ",1:" + "11" * 32])
def test_unfit_keys_are_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        parse_hash_keys(text, "the file")
    assert "00000" not in str(raised.value)
    assert "the file" in str(raised.value)


def test_the_setting_wins_and_its_last_key_is_current(tmp_path: Path) -> None:
    named = SecretStr("2:" + "22" * 32 + ", 1:" + "11" * 32)
    keys = load_hash_keys(Settings(home=tmp_path, contact_hash_keys=named))
    assert (keys.current, keys.versions) == (1, (2, 1))
    assert not (tmp_path / "secrets").exists()
    assert "1111" not in repr(keys)


def test_racing_processes_make_one_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, contact_hash_keys=None)
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: load_hash_keys(settings), range(16)))
    assert len({keys.keys[1] for keys in made}) == 1
    path = tmp_path / "secrets/contact_hash_keys"
    assert path.stat().st_mode & 0o777 == 0o600
    assert os.listdir(path.parent) == [path.name]
    path.chmod(0o644)
    with pytest.raises(InvalidInput, match="read by others"):
        load_hash_keys(settings)
