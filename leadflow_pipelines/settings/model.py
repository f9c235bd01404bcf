"""The settings there are: names, kinds, defaults, descriptions, and which need each other.

How a single value is written is kinds.py; where values come from is loading.py.
"""

from decimal import Decimal
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AnyHttpUrl, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from leadflow_pipelines.settings.kinds import (
    AccountSid,
    LakeUrl,
    LocalPath,
    MailAddress,
    MailHost,
    PostgresUrl,
    ProxyUrls,
    PublicUrl,
    Reachable,
    States,
    ZoneName,
)
from leadflow_pipelines.settings.sources import PlainValues

PREFIX = "LEADFLOW_"
PROJECT_ROOT = Path(__file__).resolve().parents[2]
ORG_SLUG_PATTERN = r"^[a-z][a-z0-9_]{1,30}$"


class Settings(BaseSettings):
    """The settings of one process. Field descriptions become `.env.example`."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_file=".env", extra="ignore", frozen=True)

    home: LocalPath = Field(
        PROJECT_ROOT / ".leadflow",
        description="Where LeadFlow keeps its data: embedded Postgres, the lake, Dagster's files.",
    )
    org: str = Field("default", pattern=ORG_SLUG_PATTERN, description="The org (tenant) this process works for.")
    timezone: ZoneName = Field("America/New_York", description="The zone whose calendar days name partitions.")

    database_url: PostgresUrl | None = Field(
        None,
        description="App role on a managed Postgres, e.g. postgresql://leadflow_app:...@host/leadflow. "
        "Empty: the embedded server is started when needed.",
    )
    database_owner_url: PostgresUrl | None = Field(
        None, description="Login that may migrate (member of leadflow_owner); needed with DATABASE_URL."
    )
    dispatcher_database_url: PostgresUrl | None = Field(
        None, description="Login leadflow_dispatcher on the managed server; needed with DATABASE_URL to send messages."
    )
    dagster_database_url: PostgresUrl | None = Field(
        None, description="Dagster's own database on the managed server; needed with DATABASE_URL."
    )
    lake_url: LakeUrl | None = Field(
        None, description="Where the lake lies: a folder or s3://bucket/prefix. Empty: <home>/lake."
    )
    s3_endpoint_url: AnyHttpUrl | None = Field(None, description="S3-compatible endpoint other than AWS (MinIO, R2).")
    s3_region: str | None = Field(None, description="Region of the lake's bucket.")
    s3_access_key_id: SecretStr | None = Field(None, description="Key id for the lake's bucket.")
    s3_secret_access_key: SecretStr | None = Field(None, description="Secret key for the lake's bucket.")

    watch_dir: LocalPath | None = Field(None, description="Folder watched for new county files. Empty: <home>/inbox.")
    probate_states: States = Field(
        "all",
        description="States in which probate lists count as signals: all, none, or those that your counsel has cleared "
        "(TN,TX). Elsewhere leads say nothing of probate.",
    )

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
    datatree_field_map: LocalPath | None = Field(
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

    crawl_contact: Reachable | None = Field(
        None,
        description="Web page or e-mail address under which a site's owner reaches you; it is in the "
        "crawler's user agent. Empty: nothing is crawled.",
    )
    crawl_recipes: LocalPath | None = Field(
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
    crawl_proxies: ProxyUrls | None = Field(
        None,
        description="Proxy URLs, separated by commas, for recipes that name the owner's written permission.",
    )

    county_sources: LocalPath | None = Field(
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

    twilio_account_sid: AccountSid | None = Field(
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
    public_url: PublicUrl | None = Field(
        None,
        description="Where the internet reaches the gateway, e.g. https://leads.agency.example; webhooks and tracked "
        "links lie below it. Empty: Twilio is polled.",
    )

    smtp_host: MailHost | None = Field(
        None, description="Mail server that e-mails are handed to. Empty: no e-mails are sent."
    )
    smtp_port: int = Field(
        587, ge=1, le=65535, description="Its port; 465 is encrypted from the start, others STARTTLS."
    )
    smtp_user: str | None = Field(None, description="Login at the mail server. Empty: none.")
    smtp_password: SecretStr | None = Field(None, description="Its password. Needed with SMTP_USER.")
    smtp_timeout_seconds: float = Field(
        30.0, gt=0, le=300, description="Time limit of one e-mail; after it, once its text went, its fate is unknown."
    )
    smtp_return_path: MailAddress | None = Field(
        None, description="Address that bounces come to. Empty: the address that the e-mail is from."
    )
    letter_font: LocalPath | None = Field(
        None, description="TrueType file that letters are printed in, for names beyond Latin letters. Empty: Helvetica."
    )

    gateway_port: int = Field(
        8700,
        ge=1,
        le=65535,
        description="Port of the gateway (webhooks, tracked links), on loopback; a proxy serves it.",
    )
    dagster_port: int = Field(3000, ge=1, le=65535, description="Port of the Dagster UI, on loopback.")

    registries_dir: LocalPath | None = Field(
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
    lookup_canaries: LocalPath | None = Field(
        None,
        description="YAML file with numbers of your own whose answers you know, a yes and a no for each vendor and "
        "kind; a vendor without them is not believed, so it is not asked.",
    )
    lookups_per_day: int = Field(
        500, ge=0, description="Most look-ups of numbers a day that the schedule buys; those bought by hand count."
    )
    contact_hash_keys: SecretStr | None = Field(
        None,
        description="Keys that suppressed and consenting contacts are known by, 1:hex,2:hex; the last is current, "
        "none is ever dropped. Empty: <home>/secrets/contact_hash_keys, made on first use.",
    )

    llm_api_key: SecretStr | None = Field(
        None,
        description="Key of an OpenAI-compatible endpoint that words lead summaries and letter drafts; any word where "
        "it wants none. Empty: both are written from templates, and nothing is sent.",
    )
    llm_base_url: AnyHttpUrl = Field(
        AnyHttpUrl("https://api.openai.com/v1"), description="The endpoint, up to what precedes /chat/completions."
    )
    llm_model: str | None = Field(None, max_length=200, description="Model to ask for. Needed with LLM_API_KEY.")
    llm_input_dollars_per_million: Decimal | None = Field(
        None, ge=0, le=10_000, description="Price of a million tokens asked; 0 is free. Needed with LLM_API_KEY."
    )
    llm_output_dollars_per_million: Decimal | None = Field(
        None, ge=0, le=10_000, description="Price of a million tokens answered. Needed with LLM_API_KEY."
    )
    llm_max_output_tokens: int = Field(
        800, ge=100, le=32_000, description="Tokens an answer may have, thoughts included; so many are set aside."
    )
    llm_timeout_seconds: float = Field(60.0, gt=0, le=300, description="Time limit of one answer.")
    llm_output_limit: Literal["max_completion_tokens", "max_tokens"] = Field(
        "max_completion_tokens", description="What the endpoint calls that limit; older ones know max_tokens."
    )
    llm_answer_format: Literal["json_schema", "json_object"] = Field(
        "json_schema", description="json_object where the endpoint takes no JSON schema; answers are checked anyway."
    )

    sentry_dsn: SecretStr | None = Field(None, description="Sentry DSN. Empty: errors stay in the logs.")
    environment: Literal["development", "test", "production"] = Field(
        "development", description="Names this installation in logs and error reports."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least level logged.")
    log_format: Literal["json", "text"] = Field("json", description="json: one object a line; text: for eyes.")

    test_data: LocalPath | None = Field(
        None, description="Folder with the labelled data of the accuracy tests. Empty: they are skipped."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Keyword arguments, the environment, `.env`: earlier ones win."""
        assert isinstance(env_settings, EnvSettingsSource)
        assert isinstance(dotenv_settings, EnvSettingsSource)
        return init_settings, PlainValues(settings_cls, env_settings), PlainValues(settings_cls, dotenv_settings)

    @model_validator(mode="before")
    @classmethod
    def _blank_is_unset(cls, values: Any) -> Any:
        if isinstance(values, dict):
            return {key: value for key, value in values.items() if value != ""}
        return values

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

    @model_validator(mode="after")
    def _llm_is_whole(self) -> "Settings":
        if self.llm_api_key is not None:
            wanted = ("llm_model", "llm_input_dollars_per_million", "llm_output_dollars_per_million")
            missing = [f"{PREFIX}{name.upper()}" for name in wanted if getattr(self, name) is None]
            if missing:
                raise ValueError(f"{PREFIX}LLM_API_KEY is set, so {' and '.join(missing)} must be set too")
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
    def probate_lists_count_in(self) -> frozenset[str] | None:
        """The states of `probate_states`; None: all of them."""
        return None if self.probate_states == "all" else frozenset(self.probate_states.split(",")) - {"none"}

    @property
    def inbox(self) -> Path:
        """The folder the county-file sensor watches."""
        return self.watch_dir or self.home / "inbox"

    @property
    def recipes(self) -> Path:
        """The folder with crawl recipes whose pages become records."""
        return self.crawl_recipes or self.home / "recipes"
