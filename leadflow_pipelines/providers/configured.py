"""Which providers an installation has keys for. Nothing is simulated here: no key, no provider."""

from dataclasses import dataclass

from pydantic import SecretStr

from leadflow_pipelines.providers import PROVIDER_NAMES
from leadflow_pipelines.providers.open_data.county_calls import open_data_sources
from leadflow_pipelines.providers.source import Source
from leadflow_pipelines.providers.sources import datatree
from leadflow_pipelines.providers.sources.attom import Attom
from leadflow_pipelines.providers.sources.batchdata import BatchData
from leadflow_pipelines.providers.sources.census import Census
from leadflow_pipelines.providers.sources.datatree import DataTree
from leadflow_pipelines.providers.sources.dncscrub import DncScrub
from leadflow_pipelines.providers.sources.google import Google
from leadflow_pipelines.providers.sources.llm import Llm
from leadflow_pipelines.providers.sources.realphonevalidation import RealPhoneValidation
from leadflow_pipelines.providers.sources.regrid import Regrid
from leadflow_pipelines.providers.sources.rentcast import RentCast
from leadflow_pipelines.providers.sources.zillow import Zillow
from leadflow_pipelines.settings import PREFIX, Settings

UNCONFIRMED = {
    datatree.NAME: f"; its shape is unconfirmed, so set {PREFIX}DATATREE_FIELD_MAP right from your contract too"
}
"""What else is to be known of a provider that nobody could confirm."""


@dataclass(frozen=True)
class ProviderState:
    """Whether a provider can be asked, and what is missing where it cannot."""

    provider: str
    is_configured: bool
    note: str


def configured_sources(settings: Settings) -> dict[str, Source]:
    """The clients of all providers with a key, of the county tables and of the Census geocoder, which need none."""
    made: tuple[Source | None, ...] = (
        Attom.from_settings(settings),
        BatchData.from_settings(settings),
        RentCast.from_settings(settings),
        Regrid.from_settings(settings),
        Zillow.from_settings(settings),
        DataTree.from_settings(settings),
        Census.from_settings(settings),
        Google.from_settings(settings),
        DncScrub.from_settings(settings),
        RealPhoneValidation.from_settings(settings),
        Llm.from_settings(settings),
    )
    paid = {source.name: source for source in made if source is not None}
    return {**open_data_sources(settings), **paid}


def provider_states(settings: Settings) -> list[ProviderState]:
    """Every provider there is, configured or not."""
    configured = configured_sources(settings)
    return [
        ProviderState(name, True, "configured")
        if name in configured
        else ProviderState(
            name, False, f"not configured, skipped: set {_unset(name, settings)}{UNCONFIRMED.get(name, '')}"
        )
        for name in PROVIDER_NAMES
    ]


def _unset(name: str, settings: Settings) -> str:
    """The settings that a provider still wants."""
    wanted = [f"{name}_{part}" for part in ("api_key", "base_url")]
    unset = [one for one in wanted if one in Settings.model_fields and getattr(settings, one) is None]
    return " and ".join(f"{PREFIX}{one.upper()}" for one in unset)


def provider_keys(settings: Settings) -> dict[str, str]:
    """The keys that these settings hold, by provider."""
    given: dict[str, SecretStr | None] = {name: getattr(settings, f"{name}_api_key", None) for name in PROVIDER_NAMES}
    return {name: key.get_secret_value() for name, key in given.items() if key is not None}
