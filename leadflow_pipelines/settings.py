"""Every setting, read and validated once.

Settings come from the environment, then from `.env` in the working directory. A fault is reported with
all others at once, each with its remedy, before anything starts. No other module reads the environment.
"""

import difflib
import os
import re
import sys
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from dotenv import dotenv_values
from pydantic import AnyHttpUrl, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from leadflow_pipelines.errors import InvalidSettings

PREFIX = "LEADFLOW_"
PROJECT_ROOT = Path(__file__).resolve().parents[1]
ORG_SLUG_PATTERN = r"^[a-z][a-z0-9_]{1,30}$"


class Settings(BaseSettings):
    """The settings of one process. Field descriptions become `.env.example`."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_file=".env", extra="ignore", frozen=True)

    home: Path = Field(
        PROJECT_ROOT / ".leadflow",
        description="Where LeadFlow keeps its data: embedded Postgres, the lake, Dagster's files.",
    )
    org: str = Field("default", pattern=ORG_SLUG_PATTERN, description="The org (tenant) this process works for.")
    timezone: str = Field("America/New_York", description="The zone whose calendar days name partitions.")

    database_url: SecretStr | None = Field(
        None,
        description="App role on a managed Postgres, e.g. postgresql://leadflow_app:...@host/leadflow. "
        "Empty: the embedded server is started when needed.",
    )
    database_owner_url: SecretStr | None = Field(
        None, description="Login that may migrate (member of leadflow_owner); needed with DATABASE_URL."
    )
    dagster_database_url: SecretStr | None = Field(
        None, description="Dagster's own database on the managed server; needed with DATABASE_URL."
    )
    lake_url: str | None = Field(
        None, description="Where the lake lies: a folder or s3://bucket/prefix. Empty: <home>/lake."
    )
    s3_endpoint_url: AnyHttpUrl | None = Field(None, description="S3-compatible endpoint other than AWS (MinIO, R2).")
    s3_region: str | None = Field(None, description="Region of the lake's bucket.")
    s3_access_key_id: SecretStr | None = Field(None, description="Key id for the lake's bucket.")
    s3_secret_access_key: SecretStr | None = Field(None, description="Secret key for the lake's bucket.")

    watch_dir: Path | None = Field(None, description="Folder watched for new county files. Empty: <home>/inbox.")

    attom_api_key: SecretStr | None = Field(
        None, description="ATTOM property API key. Empty: ATTOM is reported as not configured and skipped."
    )
    attom_base_url: AnyHttpUrl = Field(
        AnyHttpUrl("https://api.gateway.attomdata.com/propertyapi/v1.0.0"), description="ATTOM endpoint."
    )
    attom_max_records_per_zip: int = Field(
        250, ge=1, le=1000, description="At most so many properties are asked of ATTOM per ZIP and day."
    )
    batchdata_api_key: SecretStr | None = Field(
        None, description="BatchData skip-trace token. Empty: contacts are not bought."
    )
    batchdata_base_url: AnyHttpUrl = Field(
        AnyHttpUrl("https://api.batchdata.com/api/v1"), description="BatchData endpoint."
    )
    rentcast_api_key: SecretStr | None = Field(None, description="RentCast API key. Empty: RentCast is skipped.")
    rentcast_base_url: AnyHttpUrl = Field(AnyHttpUrl("https://api.rentcast.io/v1"), description="RentCast endpoint.")
    rentcast_max_records_per_zip: int = Field(
        500, ge=1, le=100_000, description="At most so many records of a ZIP and day; each 500 are one billed request."
    )
    regrid_api_key: SecretStr | None = Field(None, description="Regrid API token. Empty: Regrid is skipped.")
    regrid_base_url: AnyHttpUrl = Field(AnyHttpUrl("https://app.regrid.com/api/v2"), description="Regrid endpoint.")
    regrid_max_records_per_zip: int = Field(
        250,
        ge=1,
        le=100_000,
        description="At most so many parcels are asked of Regrid per ZIP and day; each is billed.",
    )
    zillow_api_key: SecretStr | None = Field(None, description="RapidAPI key for Zillow. Empty: Zillow is skipped.")
    zillow_base_url: AnyHttpUrl = Field(
        AnyHttpUrl("https://zillow-com1.p.rapidapi.com"), description="Zillow's endpoint on RapidAPI."
    )
    zillow_status_type: Literal["ForSale", "RecentlySold", "ForRent"] = Field(
        "ForSale", description="Which homes Zillow is asked for."
    )
    zillow_max_records_per_zip: int = Field(
        410,
        ge=1,
        le=820,
        description="Homes of a ZIP and day after which no further page is asked for; 41 are a request.",
    )
    datatree_api_key: SecretStr | None = Field(
        None, description="DataTree bearer token. Empty, or without its base URL: DataTree is skipped."
    )
    datatree_base_url: AnyHttpUrl | None = Field(None, description="DataTree endpoint, as your contract names it.")
    datatree_field_map: Path | None = Field(
        None, description="YAML file with DataTree's real shape. Empty: unconfirmed defaults (sources/datatree.yaml)."
    )
    datatree_max_records_per_zip: int = Field(
        100, ge=1, le=10_000, description="At most so many reports of a ZIP and day; each is billed."
    )
    geocoder: Literal["census", "google", "none"] = Field(
        "census", description="Who says where an address lies. census is free and needs no key; none sends no address."
    )
    geocode_misses_again_days: int = Field(
        90, ge=1, le=3650, description="An address that was not found is asked again after so many days."
    )
    census_base_url: AnyHttpUrl = Field(
        AnyHttpUrl("https://geocoding.geo.census.gov/geocoder"), description="The Census Bureau's geocoder."
    )
    census_batch_size: int = Field(
        1000, ge=1, le=10_000, description="Addresses sent together; 10,000 take minutes, mind HTTP_TIMEOUT_SECONDS."
    )
    census_benchmark: str = Field("Public_AR_Current", description="The Bureau's address ranges to search.")
    census_vintage: str = Field("Current_Current", description="The Bureau's geographies to name.")
    google_api_key: SecretStr | None = Field(None, description="Google Geocoding API key; for GEOCODER=google.")
    google_base_url: AnyHttpUrl = Field(
        AnyHttpUrl("https://maps.googleapis.com"), description="Google's endpoint for geocoding."
    )
    skip_trace_max_per_zip: int = Field(
        25, ge=0, le=10_000, description="Best leads per ZIP and day whose contacts may be bought."
    )
    skip_trace_fresh_days: int = Field(
        90, ge=1, le=3650, description="A contact bought within so many days is not bought again."
    )

    crawl_contact: str | None = Field(
        None,
        description="Web page or e-mail address under which a site's owner reaches you; it is in the "
        "crawler's user agent. Empty: nothing is crawled.",
    )
    crawl_recipes: Path | None = Field(
        None, description="Folder with crawl recipes whose pages become records. Empty: <home>/recipes."
    )
    crawl_product: str = Field(
        "LeadFlow",
        pattern=r"^[A-Za-z][A-Za-z_-]{1,40}$",
        description="Name of the crawler in its user agent and for robots.txt.",
    )
    crawl_keep_html_days: int = Field(
        30, ge=1, le=3650, description="HTML of pages that failed is kept for so many days, for diagnosis."
    )
    crawl_keep_html_mb: int = Field(
        200, ge=1, le=1_000_000, description="At most so many megabytes of such HTML per org; the oldest go first."
    )
    crawl_stealth: bool = Field(
        False, description="Allow recipes that name the owner's written permission to hide that a browser is automated."
    )
    crawl_proxies: SecretStr | None = Field(
        None,
        description="Proxy URLs, separated by commas, for recipes that name the owner's written permission.",
    )

    county_sources: Path | None = Field(
        None, description="Folder with county YAML files of your own, beside those that come with LeadFlow."
    )
    socrata_app_token: SecretStr | None = Field(
        None, description="Socrata app token, free of charge. Empty: county tables share a public throttle."
    )
    open_data_base_url: AnyHttpUrl | None = Field(
        None, description="Stands for the hosts of all county tables, as the simulator does. Empty: their own hosts."
    )
    open_data_max_rows: int = Field(
        50_000, ge=1, le=1_000_000, description="At most so many rows of a county table are read per ZIP or city."
    )

    http_timeout_seconds: float = Field(30.0, gt=0, le=300, description="Time limit of one request.")
    http_attempts: int = Field(4, ge=1, le=10, description="Attempts per call, the first included.")
    http_total_seconds: float = Field(120.0, gt=0, le=3600, description="Time limit of one call over all its attempts.")

    twilio_account_sid: str | None = Field(
        None, description="Twilio account that texts are sent from (AC...). Empty: no texts are sent."
    )
    twilio_auth_token: SecretStr | None = Field(
        None, description="Its auth token; signs Twilio's webhooks too. Needed with TWILIO_ACCOUNT_SID."
    )
    twilio_base_url: AnyHttpUrl = Field(
        AnyHttpUrl("https://api.twilio.com"), description="Twilio's endpoint; the simulator's for a simulated org."
    )
    twilio_timeout_seconds: float = Field(
        10.0, gt=0, le=120, description="Time limit of a request to Twilio; after it a text's fate is unknown."
    )
    public_url: str | None = Field(
        None,
        description="Where the internet reaches the gateway, e.g. https://leads.agency.example; webhooks and tracked "
        "links lie below it. Empty: Twilio is polled.",
    )

    smtp_host: str | None = Field(
        None, description="Mail server that e-mails are handed to. Empty: no e-mails are sent."
    )
    smtp_port: int = Field(
        587, ge=1, le=65535, description="Its port; 465 is encrypted from the start, others STARTTLS."
    )
    smtp_user: str | None = Field(None, description="Login at the mail server. Empty: none.")
    smtp_password: SecretStr | None = Field(None, description="Its password. Needed with SMTP_USER.")
    smtp_timeout_seconds: float = Field(
        30.0, gt=0, le=300, description="Time limit of each answer; after it, once the text went, the fate is unknown."
    )
    smtp_return_path: str | None = Field(
        None, description="Address that bounces come to. Empty: the address that the e-mail is from."
    )
    letter_font: Path | None = Field(
        None, description="TrueType file that letters are printed in, for names beyond Latin letters. Empty: Helvetica."
    )

    gateway_port: int = Field(
        8700,
        ge=1,
        le=65535,
        description="Port of the gateway (webhooks, tracked links), on loopback; a proxy serves it.",
    )
    dagster_port: int = Field(3000, ge=1, le=65535, description="Port of the Dagster UI, on loopback.")

    registries_dir: Path | None = Field(
        None,
        description="Where imported do-not-call lists lie, a folder for each org; on several machines a shared one. "
        "Empty: <home>/registries.",
    )
    dncscrub_api_key: SecretStr | None = Field(
        None, description="DNCScrub loginId. Empty: DNCScrub is not asked about numbers."
    )
    dncscrub_base_url: AnyHttpUrl = Field(
        AnyHttpUrl("https://www.dncscrub.com"), description="DNCScrub's endpoint for do-not-call lists."
    )
    dncscrub_data_base_url: AnyHttpUrl = Field(
        AnyHttpUrl("https://dataapi.dncscrub.com"), description="DNCScrub's endpoint for reassigned numbers."
    )
    realphonevalidation_api_key: SecretStr | None = Field(
        None, description="RealPhoneValidation token. Empty: RealPhoneValidation is not asked about numbers."
    )
    realphonevalidation_base_url: AnyHttpUrl = Field(
        AnyHttpUrl("https://api.realvalidation.com"), description="RealPhoneValidation endpoint."
    )
    lookup_canaries: Path | None = Field(
        None,
        description="YAML file with numbers of your own whose answers you know, a yes and a no for each vendor and "
        "kind; a vendor without them is not believed, so it is not asked.",
    )
    contact_hash_keys: SecretStr | None = Field(
        None,
        description="Keys that suppressed and consenting contacts are known by, 1:hex,2:hex; the last is current, "
        "none is ever dropped. Empty: <home>/secrets/contact_hash_keys, made on first use.",
    )

    sentry_dsn: SecretStr | None = Field(None, description="Sentry DSN. Empty: errors stay in the logs.")
    environment: Literal["development", "test", "production"] = Field(
        "development", description="Names this installation in logs and error reports."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least level logged.")
    log_format: Literal["json", "text"] = Field("json", description="json: one object a line; text: for eyes.")

    test_data: Path | None = Field(
        None, description="Folder with the labelled data of the accuracy tests. Empty: they are skipped."
    )

    @model_validator(mode="before")
    @classmethod
    def _blank_is_unset(cls, values: Any) -> Any:
        if isinstance(values, dict):
            return {key: value for key, value in values.items() if value != ""}
        return values

    @field_validator("timezone")
    @classmethod
    def _zone_exists(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError("not an IANA time zone; write it like America/Chicago")
        return value

    @field_validator(
        "home", "watch_dir", "test_data", "county_sources", "crawl_recipes", "datatree_field_map", "registries_dir",
        "lookup_canaries", "letter_font",
    )  # fmt: skip
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        return value.expanduser().resolve() if value else None

    @field_validator("database_url", "database_owner_url", "dagster_database_url")
    @classmethod
    def _postgres_url(cls, value: SecretStr | None) -> SecretStr | None:
        if value and not value.get_secret_value().startswith(("postgresql://", "postgres://")):
            raise ValueError("must begin with postgresql://")
        return value

    @field_validator("lake_url")
    @classmethod
    def _lake_scheme(cls, value: str | None) -> str | None:
        if value and "://" in value and not value.startswith("s3://"):
            raise ValueError("must be a folder or begin with s3://")
        return value

    @field_validator("crawl_contact")
    @classmethod
    def _reachable(cls, value: str | None) -> str | None:
        if value and not re.fullmatch(r"https?://[^\s;()]+|[^@\s;()]+@[^@\s;()]+\.[^@\s;()]+", value):
            raise ValueError("must be a web address (https://...) or an e-mail address")
        return value

    @field_validator("twilio_account_sid")
    @classmethod
    def _account_sid(cls, value: str | None) -> str | None:
        if value and not re.fullmatch(r"AC[0-9a-fA-F]{32}", value):
            raise ValueError("must be AC and 32 hexadecimal digits, as Twilio's console shows it")
        return value

    @field_validator("smtp_host")
    @classmethod
    def _mail_host(cls, value: str | None) -> str | None:
        if value and not re.fullmatch(r"[A-Za-z0-9.-]+|[0-9a-fA-F:]+", value):
            raise ValueError("must be a bare host name or address like smtp.agency.example; the port has a setting")
        return value

    @field_validator("smtp_return_path")
    @classmethod
    def _bounce_address(cls, value: str | None) -> str | None:
        if value and not re.fullmatch(r"[^@\s<>]+@[^@\s<>]+\.[^@\s<>]+", value):
            raise ValueError("must be a bare address like bounces@agency.example")
        return value

    @field_validator("public_url")
    @classmethod
    def _public_address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        found = re.fullmatch(r"(https?)://([^\s/?#@:]+)(:\d+)?(/[^\s?#]*)?", value)
        if found is None or (found[1] == "http" and found[2] not in ("127.0.0.1", "localhost")):
            raise ValueError("must be an https:// address without a query; http:// only on 127.0.0.1")
        if "_" in found[2]:
            raise ValueError("must not have _ in its host: Twilio refuses such callbacks")
        return value.rstrip("/")

    @field_validator("crawl_proxies")
    @classmethod
    def _proxy_urls(cls, value: SecretStr | None) -> SecretStr | None:
        given = value.get_secret_value().split(",") if value else []
        if not all(re.match(r"(https?|socks5)://[^\s/]+", one.strip()) for one in given):
            raise ValueError("must be URLs like http://proxy.example:8080, separated by commas")
        return value

    @model_validator(mode="after")
    def _managed_database_is_whole(self) -> "Settings":
        if self.database_url:
            missing = [
                f"{PREFIX}{name.upper()}"
                for name in ("database_owner_url", "dagster_database_url")
                if getattr(self, name) is None
            ]
            if missing:
                raise ValueError(f"{PREFIX}DATABASE_URL is set, so {' and '.join(missing)} must be set too")
        return self

    @model_validator(mode="after")
    def _twilio_is_whole(self) -> "Settings":
        if (self.twilio_account_sid is None) != (self.twilio_auth_token is None):
            given, missing = ("ACCOUNT_SID", "AUTH_TOKEN") if self.twilio_account_sid else ("AUTH_TOKEN", "ACCOUNT_SID")
            raise ValueError(f"{PREFIX}TWILIO_{given} is set, so {PREFIX}TWILIO_{missing} must be set too")
        return self

    @model_validator(mode="after")
    def _smtp_is_whole(self) -> "Settings":
        if (self.smtp_user is None) != (self.smtp_password is None):
            given, missing = ("USER", "PASSWORD") if self.smtp_user else ("PASSWORD", "USER")
            raise ValueError(f"{PREFIX}SMTP_{given} is set, so {PREFIX}SMTP_{missing} must be set too")
        return self

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which a partition's day begins and ends."""
        return ZoneInfo(self.timezone)

    @property
    def lake_root(self) -> str:
        """Folder or s3:// prefix under which every org's lake lies."""
        return self.lake_url or str(self.home / "lake")

    @property
    def inbox(self) -> Path:
        """The folder the county-file sensor watches."""
        return self.watch_dir or self.home / "inbox"

    @property
    def recipes(self) -> Path:
        """The folder with crawl recipes whose pages become records."""
        return self.crawl_recipes or self.home / "recipes"


def load_settings(**overrides: Any) -> Settings:
    """Read and validate the settings; keyword overrides win over the environment.

    Raises InvalidSettings naming every fault: wrong values, unknown LEADFLOW_ names, missing companions.
    """
    faults = _unknown_names()
    try:
        settings = Settings(**overrides)
    except ValidationError as error:
        faults += [_describe(fault) for fault in error.errors()]
    if faults:
        raise InvalidSettings(faults)
    return settings


class _Process:
    """The settings this process runs under, once they are known."""

    settings: Settings | None = None


def get_settings() -> Settings:
    """The settings of this process, read once."""
    if _Process.settings is None:
        _Process.settings = load_settings()
    return _Process.settings


def use_settings(settings: Settings) -> None:
    """Run this process under these settings: a command's options win over the environment."""
    _Process.settings = settings


def _unknown_names() -> list[str]:
    known = [f"{PREFIX}{name.upper()}" for name in Settings.model_fields]
    given = {name.upper() for name in (*os.environ, *dotenv_values(".env")) if name.upper().startswith(PREFIX)}
    faults = []
    for name in sorted(given.difference(known)):
        close = difflib.get_close_matches(name, known, n=1)
        remedy = f"Did you mean {close[0]}?" if close else "See .env.example for the names there are."
        faults.append(f"{name}: no such setting. {remedy}")
    return faults


def _describe(fault: Any) -> str:
    message = str(fault["msg"]).removeprefix("Value error, ")
    if not fault["loc"]:
        return f"{message}."
    field = str(fault["loc"][0])
    default = Settings.model_fields[field].default
    secret = "SecretStr" in str(Settings.model_fields[field].annotation)
    given = "" if secret else f" (given: {fault['input']!r})"
    remedy = "Set it, or leave it out." if default is None else f"Default: {_plain(default)}"
    return f"{PREFIX}{field.upper()}: {message}{given}. {remedy}"


def _plain(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Path) and value.is_relative_to(PROJECT_ROOT):
        return str(value.relative_to(PROJECT_ROOT))
    return str(value)


def env_example() -> str:
    """The text of `.env.example`: each setting with its description and default, commented out."""
    lines = [
        "# Every setting of LeadFlow. Copy to .env and uncomment what you change; the environment wins.",
        "# Written by `make env-example` from leadflow_pipelines/settings.py; do not edit by hand.",
    ]
    for name, field in Settings.model_fields.items():
        lines += ["", f"# {field.description}", f"# {PREFIX}{name.upper()}={_plain(field.default)}"]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(env_example())
