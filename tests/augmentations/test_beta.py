import pytest
import torch
from scipy import stats

from assay.augmentations.beta import beta_quantile, dirichlet_quantile

LEVELS = torch.tensor([[0.0, 1e-6, 0.1], [0.5, 0.9, 1 - 1e-6]], dtype=torch.float64)


@pytest.mark.parametrize(("a", "b"), [(3.0, 1.0), (1.0, 3.0), (1.0, 1.0), (0.5, 0.5), (2.0, 0.3), (1.0, 0.2)])
def test_it_inverts_the_distribution_function(a: float, b: float) -> None:
    expected = torch.from_numpy(stats.beta(a, b).ppf(LEVELS.numpy()))
    torch.testing.assert_close(beta_quantile(LEVELS, a, b), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("alpha", [0.3, 1.0, 5.0])
def test_weights_follow_the_dirichlet_distribution(alpha: float) -> None:
    levels = torch.rand(2, 4000, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    weights = dirichlet_quantile(levels, alpha).numpy()
    for part in weights:  # each part alone is Beta(alpha, 2 alpha)
        assert stats.kstest(part, stats.beta(alpha, 2 * alpha).cdf).pvalue > 0.001
    wanted = stats.dirichlet([alpha] * 3).cov()
    torch.testing.assert_close(torch.from_numpy(weights).cov(), torch.from_numpy(wanted), rtol=0, atol=0.01)


@pytest.mark.parametrize("alpha", [1e-4, 1.0, 1e4])
@pytest.mark.parametrize("parts", [1, 2, 7])
def test_weights_sum_to_one_however_extreme(parts: int, alpha: float) -> None:
    levels = torch.rand(parts - 1, 50, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    weights = dirichlet_quantile(levels, alpha)
    assert weights.shape == (parts, 50)
    assert float(weights.min()) >= 0
    torch.testing.assert_close(weights.sum(0), torch.ones(50).double())
