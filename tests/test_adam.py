"""Adam takes the steps of torch's own, without torch's compiler."""

import subprocess
import sys

import pytest
import torch
from torch import Tensor, nn

from assay.adam import Adam


def weights(dtype: torch.dtype) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    image = torch.randn((4, 3, 5, 5), generator=generator, dtype=dtype).to(memory_format=torch.channels_last)
    return [nn.Parameter(image), nn.Parameter(torch.randn(7, generator=generator, dtype=dtype))]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_steps_are_torchs_own_to_the_bit(dtype: torch.dtype) -> None:
    ours, theirs = weights(dtype), weights(dtype)
    own, torchs = Adam(ours, 0.1), torch.optim.Adam(theirs, lr=0.1, fused=True)
    generator = torch.Generator().manual_seed(1)
    for step in range(6):
        if step == 3:
            own.learning_rate = torchs.param_groups[0]["lr"] = 0.01
        own.zero_grad()
        torchs.zero_grad()
        for one, other in zip(ours, theirs, strict=True):
            if step % 2 == 0 or one.ndim == 4:  # the other weight has no gradient in every second step
                one.grad = torch.randn(one.shape, generator=generator, dtype=dtype)
                other.grad = one.grad.clone()
        own.step()
        torchs.step()
        assert all(torch.equal(one, other) for one, other in zip(ours, theirs, strict=True))
    assert not torch.equal(ours[1], weights(dtype)[1])


def test_a_step_without_gradients_moves_nothing() -> None:
    ours = weights(torch.float32)
    own = Adam(ours, 0.1)
    own.step()
    assert all(torch.equal(one, other) for one, other in zip(ours, weights(torch.float32), strict=True))


def test_training_imports_no_compiler() -> None:
    code = """
import sys, torch
from assay.data import Images
from assay.fit import fit
from assay.recipe import Recipe, Train
from assay.stacks import fit_stack
x, y = torch.zeros((8, 1, 16, 16), dtype=torch.uint8), torch.arange(8) % 2
images = Images(name="some", x=x, y=y, classes=("a", "b"))
recipe = Recipe(train=Train(epochs=1, batch_size=4))
fit(recipe, images, seed=0)
fit_stack([recipe, recipe], images, seeds=(0, 1))
sys.exit("torch._dynamo" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
