import pytest
import torch
from torch import Tensor

from assay.attacks.mim import MIM
from assay.attacks.norms import Norm
from assay.attacks.pgd import PGD
from assay.classifier import Classifier
from assay.errors import BadValueError
from assay.parts import describe

Scene = tuple[Classifier, Tensor, Tensor]


@pytest.mark.parametrize(("norm", "eps"), [("linf", 0.08), ("l2", 0.6)])
def test_without_memory_it_is_pgd_from_the_image(trained: Scene, norm: Norm, eps: float) -> None:
    pgd = PGD(eps=eps, steps=5, step_size=eps / 5, norm=norm, random_start=False)
    mim = MIM(eps=eps, steps=5, decay=0, norm=norm)
    torch.testing.assert_close(mim(*trained, torch.Generator()), pgd(*trained, torch.Generator()))


def test_memory_changes_the_way(trained: Scene) -> None:
    points = [MIM(eps=0.1, steps=5, decay=decay)(*trained, torch.Generator()) for decay in (0, 1)]
    assert not torch.equal(*points)


def test_early_stop_leaves_images_where_they_first_fool(trained: Scene) -> None:
    model, x, y = trained
    full, early = (MIM(eps=0.08, steps=6, early_stop=stop)(model, x, y, torch.Generator()) for stop in (False, True))
    fooled = model(early).argmax(1) != y
    assert 0 < int(fooled.sum()) < len(x)
    assert bool(fooled[model(full).argmax(1) != y].all())
    torch.testing.assert_close(early[~fooled], full[~fooled])
    wrong = model(x).argmax(1) != y
    assert torch.equal(early[wrong], x[wrong])


def test_names_and_refusals() -> None:
    assert describe(MIM(eps=0.3, steps=10)) == "mim(eps=0.3, steps=10)"
    assert MIM(eps=0.3, steps=10).at(0.1) == MIM(eps=0.1, steps=10)
    with pytest.raises(BadValueError, match="mim: decay: expected a number >= 0, got -1"):
        MIM(eps=0.3, steps=10, decay=-1)
