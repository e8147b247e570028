from typing import Any

import torch

from assay.attacks import FGSM, PGD, Square
from assay.classifier import Classifier
from assay.data.images import Images
from assay.evaluations.transfer_matrix import made_on, transfer_matrix


def images(n: int = 80) -> Images:
    """Pixels in the middle of [0, 1], so that no radius below 0.25 meets its border."""
    g = torch.Generator().manual_seed(0)
    x = torch.randint(70, 186, (n, 1, 4, 4), generator=g, dtype=torch.uint8)
    return Images(name="toy/test", x=x, y=torch.randint(0, 2, (n,), generator=g), classes=("a", "b"))


def zoo(linear: Any) -> dict[str, Classifier]:
    """Three models whose boundaries pass the middle of the box: the second is like the first, the third is not."""
    g = torch.Generator().manual_seed(1)
    one, noise, other = torch.randn(3, 2, 16, generator=g)
    weights = {"one": one, "like it": one + 0.4 * noise, "other": other}
    return {name: linear(weight - weight.mean(1, keepdim=True)) for name, weight in weights.items()}


def test_rates_between_linear_models(linear: Any) -> None:
    """With d = w_label - w_other, FGSM on i takes eps * sign(d_i) . d_j off the margin of j: it errs below 0."""
    data, models, eps = images(), zoo(linear), 0.03
    rates = transfer_matrix(models, data, FGSM(eps=eps))
    slopes = [(model.weight[data.y] - model.weight[1 - data.y]).detach().double() for model in models.values()]  # type: ignore[index]
    margins = [(data.x.flatten(1).double() / 255 * slope).sum(1) for slope in slopes]
    for i, made in enumerate(slopes):
        for j, judging in enumerate(slopes):
            both = (margins[i] > 0) & (margins[j] > 0)
            after = margins[j] - eps * (made.sign() * judging).sum(1)
            assert int(rates.n[i, j]) == int(both.sum())
            assert float(rates.value[i, j]) == float((after < 0)[both].double().mean())
    assert bool((rates.low <= rates.value).all() and (rates.value <= rates.high).all())
    assert float(rates.value[0, 1]) > float(rates.value[0, 2])
    assert bool((rates.value.diagonal() >= rates.value.amax(0)).all())


def test_a_models_points_do_not_depend_on_the_zoo(linear: Any) -> None:
    data, models = images(), zoo(linear)
    attack = Square(eps=0.05, queries=20)
    points = made_on(models["one"], data, attack, seed=3)
    assert torch.equal(points, made_on(models["one"], data, attack, seed=3))
    assert not torch.equal(points, made_on(models["one"], data, attack, seed=4))
    whole = transfer_matrix(models, data, attack, seed=3)
    part = transfer_matrix({name: models[name] for name in ("other", "one")}, data, attack, seed=3)
    assert float(part.value[1, 0]) == float(whole.value[0, 2])


def test_one_model_has_its_own_rate_alone(linear: Any) -> None:
    data = images()
    rates = transfer_matrix({"one": zoo(linear)["one"]}, data, PGD(eps=0.03, steps=5))
    assert rates.value.shape == (1, 1)
    assert 0 < float(rates.value) < 1
