from typing import Any

import numpy as np
import torch
from scipy.special import log_softmax

from assay.objectives import Batch, CrossEntropy


def test_hard_and_soft_labels_give_the_mean_negative_log_likelihood(linear: Any) -> None:
    g = torch.Generator().manual_seed(0)
    weight, x = torch.randn(3, 8, generator=g), torch.rand(5, 1, 2, 4, generator=g)
    y, soft = torch.tensor([0, 2, 1, 1, 0]), torch.rand(5, 3, generator=g, dtype=torch.float64).softmax(1)
    logits = x.flatten(1).double().numpy() @ weight.T.double().numpy()
    surprise = -log_softmax(logits, axis=1)
    model = linear(weight)
    hard = CrossEntropy()(model, Batch(x, y), g)
    np.testing.assert_allclose(hard.value.detach(), surprise[np.arange(5), y].mean(), rtol=1e-5)
    mixed = CrossEntropy()(model, Batch(x, soft), g).value.detach()
    np.testing.assert_allclose(mixed, (surprise * soft.numpy()).sum(1).mean(), rtol=1e-5)
    np.testing.assert_allclose(hard.logits.detach(), logits, rtol=1e-4, atol=1e-5)
    assert hard.value.requires_grad
    torch.testing.assert_close(hard.logits, model(x))
