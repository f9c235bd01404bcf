"""Who a crawl says it is; and stealth and proxies, which only the site owner's written permission allows.

Both are off unless the recipe asks for them, names the permission, and the installation's setting is on. They are
for owners whose own protection would stop a crawl they agreed to. They are no answer to a block: a refusal stops a
disguised recipe like any other.
"""

from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.providers.scraper.recipe import Recipe
from leadflow_pipelines.settings import PREFIX, Settings

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, ProxySettings


@dataclass(frozen=True)
class Disguise:
    """What a crawl may wear: nothing, by default."""

    is_stealthy: bool = False
    proxies: "tuple[ProxySettings, ...]" = ()


def user_agent(settings: Settings) -> str:
    """The name under which every request is made. Raises InvalidInput where nobody could be reached about it."""
    if not settings.crawl_contact:
        raise InvalidInput(
            "Nothing is crawled without a contact that the site's owner can write to.",
            remedy=f"Set {PREFIX}CRAWL_CONTACT to a web page about your crawler, or to an e-mail address.",
        )
    return f"{settings.crawl_product}/{version('leadflow')} (+{settings.crawl_contact})"


def permitted_disguise(recipe: Recipe, settings: Settings) -> Disguise:
    """What this recipe may wear. Raises InvalidInput where it asks for more than it may."""
    if not (recipe.stealth or recipe.proxies):
        return Disguise()
    if recipe.permission is None:
        raise InvalidInput(
            f"The recipe {recipe.name} asks for stealth or proxies without the owner's written permission.",
            remedy="Name it in permission: (granted_by, granted_on, document), or take stealth and proxies out.",
        )
    given = settings.crawl_proxies.get_secret_value() if settings.crawl_proxies else ""
    proxies = tuple(_proxy(url.strip()) for url in given.split(",") if url.strip())
    for is_asked, is_on, name in (
        (recipe.stealth, settings.crawl_stealth, "CRAWL_STEALTH"),
        (recipe.proxies, bool(proxies), "CRAWL_PROXIES"),
    ):
        if is_asked and not is_on:
            raise InvalidInput(
                f"The recipe {recipe.name} has the owner's permission, but {PREFIX}{name} is off here.",
                remedy=f"Set {PREFIX}{name}, or take it out of the recipe.",
            )
    return Disguise(recipe.stealth, proxies if recipe.proxies else ())


def put_on_stealth(context: "BrowserContext") -> None:
    """Hides from the pages of a context that a program drives it. The user agent still says who we are."""
    try:
        from playwright_stealth import Stealth  # noqa: PLC0415 - an extra that few installations have
    except ImportError as error:
        raise InvalidInput(
            "The recipe asks for stealth, but its package is not installed.",
            remedy="Install it: pip install 'leadflow[stealth]'.",
        ) from error
    Stealth(navigator_user_agent=False, navigator_user_agent_data=False, sec_ch_ua=False).apply_stealth_sync(context)


def _proxy(url: str) -> "ProxySettings":
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    proxy: ProxySettings = {"server": f"{parts.scheme}://{host}"}
    if parts.username:
        proxy |= {"username": unquote(parts.username), "password": unquote(parts.password or "")}
    return proxy
