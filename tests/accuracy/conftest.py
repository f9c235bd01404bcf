"""Where the labelled real records lie."""

from pathlib import Path

import pytest

from leadflow_pipelines.settings import get_settings


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder that LEADFLOW_TEST_DATA names."""
    folder = get_settings().test_data
    if folder is None:
        pytest.skip("LEADFLOW_TEST_DATA is not set")
    return folder
