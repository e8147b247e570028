import pytest
import torch

from assay.errors import BadValueError
from assay.metrics.intervals import wilson
from assay.metrics.transfer import transfer_rates


def test_rates_by_hand() -> None:
    """Two models on five images: both are right on the first three."""
    clean = torch.tensor([[1, 1, 1, 1, 0], [1, 1, 1, 0, 1]]).bool()
    attacked = torch.tensor(
        [[[0, 0, 0, 1, 0], [0, 1, 1, 0, 0]], [[1, 1, 1, 0, 0], [0, 0, 1, 0, 0]]]
    ).bool()  # fmt: skip
    rates = transfer_rates(clean, attacked)
    assert rates.n.tolist() == [[4, 3], [3, 4]]
    torch.testing.assert_close(rates.value, torch.tensor([[3 / 4, 1 / 3], [0, 3 / 4]], dtype=torch.float64))
    assert (float(rates.low[0, 1]), float(rates.high[0, 1])) == wilson(1, 3)
    assert (float(rates.low[1, 0]), float(rates.high[1, 0])) == wilson(0, 3)


def test_models_that_share_no_image_have_no_rate() -> None:
    rates = transfer_rates(torch.eye(2).bool(), torch.zeros(2, 2, 2).bool())
    assert rates.n.tolist() == [[1, 0], [0, 1]]
    assert rates.value.isnan().tolist() == rates.low.isnan().tolist() == [[False, True], [True, False]]
    assert float(rates.value[0, 0]) == 1


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(BadValueError, match=r"attacked: expected shape \(2, 2, 5\)"):
        transfer_rates(torch.ones(2, 5).bool(), torch.ones(2, 2, 4).bool())
