from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.neighbors import NearestNeighbors
from torch import Tensor
from torch.nn import functional as F

from assay.classifier import Outputs
from assay.errors import BadValueError
from assay.randomness import derive
from assay.scores import KNN
from assay.scores.knn import BLOCK, GROUP, kth_distance

MakeScene = Callable[..., Any]


def unit(n: int, width: int, name: str, kind: torch.dtype = torch.float64) -> Tensor:
    return F.normalize(torch.randn(n, width, generator=derive(0, name), dtype=kind), dim=1)


def from_sklearn(z: Tensor, bank: Tensor, k: int) -> Tensor:
    return torch.from_numpy(NearestNeighbors(n_neighbors=k).fit(bank.numpy()).kneighbors(z.numpy())[0][:, -1])


@pytest.mark.parametrize(("n", "width"), [(5, 3), (2 * GROUP - 1, 20), (4000, 6), (64 * GROUP + 17, 20), (30, 80)])
@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
def test_equals_scikit_learns_neighbours(n: int, width: int, kind: torch.dtype) -> None:
    bank, z = unit(n, width, "bank", kind), unit(BLOCK + 3, width, "new", kind)
    for k in (1, 5, min(50, n), n):
        expected = from_sklearn(z.double(), bank.double(), k).to(kind)
        torch.testing.assert_close(kth_distance(z, bank, k), expected, rtol=0, atol=1e-6)


@given(n=st.integers(1, 700), k=st.integers(1, 12), seed=st.integers(0, 20), levels=st.integers(1, 5))
def test_ties_do_not_matter(n: int, k: int, seed: int, levels: int) -> None:
    # Few different directions, so that most distances tie, across groups and with the k-th.
    g = derive(seed)
    k = min(n, k)
    bank, z = (F.normalize(torch.randint(1, levels + 1, (m, 2), generator=g).double(), dim=1) for m in (n, 9))
    expected = torch.cdist(z, bank, compute_mode="donot_use_mm_for_euclid_dist").sort(dim=1).values[:, k - 1]
    torch.testing.assert_close(kth_distance(z, bank, k), expected, rtol=0, atol=1e-6)


def test_the_nearest_to_a_training_image_is_itself(scene: MakeScene) -> None:
    model, train, _ = scene(300)
    found = KNN(k=1).fit(model, train)(Outputs(3 * train.features, train.logits))
    assert float(found.max()) < 1e-6  # whatever the length of the features


def test_on_a_network_with_a_unit_that_never_fires(scene: MakeScene) -> None:
    model, train, test = scene(2000)
    z, bank = (F.normalize(x.features.double(), dim=1) for x in (test, train))
    torch.testing.assert_close(KNN(k=7).fit(model, train)(test).double(), from_sklearn(z, bank, 7), rtol=0, atol=1e-6)
    none = Outputs(torch.zeros(2, train.features.shape[1]), test.logits[:2])
    assert KNN().fit(model, train)(none).tolist() == pytest.approx([1, 1])


def test_what_it_needs(scene: MakeScene) -> None:
    model, train, _ = scene(49)
    with pytest.raises(BadValueError, match="knn: expected the model's outputs on training images"):
        KNN().fit(model, None)
    with pytest.raises(BadValueError, match="at least k = 50 training images, got 49; give more, or a smaller k"):
        KNN().fit(model, train)
    with pytest.raises(BadValueError, match="knn: k: expected a whole number >= 1, got 0"):
        KNN(k=0)
