from pathlib import Path

import pytest
from hypothesis import settings
from mnist_files import write_mnist

# A machine under load is no failure.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of tiny MNIST files."""
    return write_mnist(tmp_path_factory.mktemp("mnist"))
