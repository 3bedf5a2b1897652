import pytest


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    """Tiny matrices are slower on many threads than on one."""
    import torch

    torch.set_num_threads(1)
