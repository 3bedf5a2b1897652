"""What the end-to-end tests share: the real small model."""

from pathlib import Path

import pytest

from nightschool.wire import pull_model


@pytest.fixture(scope="session")
def base_folder() -> Path:
    """Return the folder of the pulled base model; `make test` pulls it first."""
    return pull_model("smollm2-135m")
