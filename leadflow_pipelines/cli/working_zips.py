"""Which ZIPs a command works, and the refusal of those that do not exist."""

from collections.abc import Sequence

from leadflow_pipelines.contracts import PROPERTY_RECORDS, UNLOCATED
from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.properties.addresses.places import zip_table
from resources.workspace import Workspace


def working_zips(workspace: Workspace, asked: Sequence[str]) -> list[str]:
    """The ZIPs to work: those asked for, else every one the org has records in. Raises InvalidInput for none.

    Also raises InvalidInput for a ZIP that the ZIP table does not know, before anything is bought.
    """
    wrong = sorted(set(asked) - {UNLOCATED} - set(zip_table()["zip"]))
    if wrong:
        raise InvalidInput(
            f"{', '.join(wrong)}: no such ZIP in the United States.", remedy="Five digits, e.g. --zip 78704."
        )
    zips = sorted(set(asked)) or sorted(
        workspace.lake.read(PROPERTY_RECORDS, columns=["zip"])["zip"].unique().to_list()
    )
    if not zips:
        raise InvalidInput(
            f"The org {workspace.org.slug} has no records yet, so there is no ZIP to work.",
            remedy="Name one with --zip, or import a county file: leadflow import FILE --source NAME",
        )
    return zips
