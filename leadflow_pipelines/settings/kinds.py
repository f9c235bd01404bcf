"""How a setting's value must be written, where its type alone does not say.

A fault says what the value must be; loading.py adds which setting it is and its remedy.
"""

import re
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, SecretStr


def _zone_name(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError) as error:  # unknown, no plain name, or a folder of zones such as America
        raise ValueError("not an IANA time zone; write it like America/Chicago") from error
    return value


def _local_path(value: Path) -> Path:
    return value.expanduser().resolve()


def _postgres_url(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().startswith(("postgresql://", "postgres://")):
        raise ValueError("must begin with postgresql://")
    return value


def _lake_url(value: str) -> str:
    if "://" in value and not value.startswith("s3://"):
        raise ValueError("must be a folder or begin with s3://")
    return value


def _reachable(value: str) -> str:
    if not re.fullmatch(r"https?://[^\s;()]+|[^@\s;()]+@[^@\s;()]+\.[^@\s;()]+", value):
        raise ValueError("must be a web address (https://...) or an e-mail address")
    return value


def _account_sid(value: str) -> str:
    if not re.fullmatch(r"AC[0-9a-fA-F]{32}", value):
        raise ValueError("must be AC and 32 hexadecimal digits, as Twilio's console shows it")
    return value


def _mail_host(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9.-]+|[0-9a-fA-F:]+", value):
        raise ValueError("must be a bare host name or address like smtp.agency.example; the port has a setting")
    return value


def _mail_address(value: str) -> str:
    if not re.fullmatch(r"[^@\s<>]+@[^@\s<>]+\.[^@\s<>]+", value):
        raise ValueError("must be a bare address like bounces@agency.example")
    return value


def _public_url(value: str) -> str:
    found = re.fullmatch(r"(https?)://([^\s/?#@:]+)(:\d+)?(/[^\s?#]*)?", value)
    if found is None or (found[1] == "http" and found[2] not in ("127.0.0.1", "localhost")):
        raise ValueError("must be an https:// address without a query; http:// only on 127.0.0.1")
    if "_" in found[2]:
        raise ValueError("must not have _ in its host: Twilio refuses such callbacks")
    return value.rstrip("/")


def _states(value: str) -> str:
    if not re.fullmatch(r"all|none|[A-Z]{2}(,[A-Z]{2})*", value):
        raise ValueError("must be all, none, or two-letter states separated by commas, such as TN,TX")
    return value


def _proxy_urls(value: SecretStr) -> SecretStr:
    given = value.get_secret_value().split(",")
    if not all(re.match(r"(https?|socks5)://[^\s/]+", one.strip()) for one in given):
        raise ValueError("must be URLs like http://proxy.example:8080, separated by commas")
    return value


ZoneName = Annotated[str, AfterValidator(_zone_name)]
LocalPath = Annotated[Path, AfterValidator(_local_path)]
PostgresUrl = Annotated[SecretStr, AfterValidator(_postgres_url)]
LakeUrl = Annotated[str, AfterValidator(_lake_url)]
Reachable = Annotated[str, AfterValidator(_reachable)]
AccountSid = Annotated[str, AfterValidator(_account_sid)]
MailHost = Annotated[str, AfterValidator(_mail_host)]
MailAddress = Annotated[str, AfterValidator(_mail_address)]
PublicUrl = Annotated[str, AfterValidator(_public_url)]
States = Annotated[str, AfterValidator(_states)]
ProxyUrls = Annotated[SecretStr, AfterValidator(_proxy_urls)]
