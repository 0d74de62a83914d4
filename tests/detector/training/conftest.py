"""Training on a machine whose cores others use, too."""

import pytest


@pytest.fixture(scope="module")
def one_thread():
    """PyTorch on one thread."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
