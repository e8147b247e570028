"""Ensembles average the softmaxes of their members."""

import pytest
import torch

from assay.architectures import Ensemble, LeNet5
from assay.architectures.base import Network
from assay.attacks.base import attack_loss
from assay.classifier import predict_all, wrap
from assay.errors import ContractError

SHAPE = (1, 16, 16)


def members(n: int, n_classes: int = 5, scale: float = 8.0) -> list[Network]:
    """Networks with logits that differ widely, so that softmaxes and logits average differently."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        built = [LeNet5().build(SHAPE, n_classes).eval() for _ in range(n)]
        for model in built:
            model.last.weight.data.mul_(scale * (1 + torch.rand(())))
    return built


def images(n: int = 6) -> torch.Tensor:
    return torch.rand(n, *SHAPE, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("n", [1, 2, 3, 15])
def test_softmax_and_logsumexp_are_the_means_of_the_members(n: int) -> None:
    models = members(n)
    x = images()
    logits = Ensemble(models)(x).double()
    each = torch.stack([model(x).double() for model in models])
    torch.testing.assert_close(logits.softmax(1), each.softmax(2).mean(0), rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(logits.logsumexp(1), each.logsumexp(2).mean(0), rtol=1e-4, atol=1e-5)


def test_an_ensemble_of_ensembles_is_the_ensemble_of_all_their_members() -> None:
    models, x, y = members(4), images(), torch.arange(6) % 5
    nested, flat = Ensemble([Ensemble(models[:2]), Ensemble(models[2:])]).eval(), Ensemble(models).eval()
    torch.testing.assert_close(nested(x), flat(x))
    assert nested.members == flat.members == tuple(models)
    torch.testing.assert_close(attack_loss(nested, x, y), attack_loss(flat, x, y))
    assert nested.linear_head is not None
    assert flat.linear_head is not None
    torch.testing.assert_close(nested.linear_head.weight, flat.linear_head.weight)
    torch.testing.assert_close(nested.linear_head.bias, flat.linear_head.bias)


def test_one_member_gives_its_own_logits() -> None:
    (model,) = members(1)
    torch.testing.assert_close(Ensemble([model])(images()), model(images()))


def test_equal_members_give_their_own_logits() -> None:
    (model,) = members(1)
    torch.testing.assert_close(Ensemble([model, model, model])(images()), model(images()))


def test_the_order_of_members_does_not_matter() -> None:
    models = members(3)
    torch.testing.assert_close(Ensemble(models)(images()), Ensemble(models[::-1])(images()))


def test_far_logits_stay_finite() -> None:
    models = members(2, scale=1e5)
    out = predict_all(Ensemble(models), images())
    assert bool(out.logits.isfinite().all())


def test_features_stand_side_by_side_and_the_head_reads_them() -> None:
    models = members(3)
    ensemble, x = Ensemble(models), images()
    features = ensemble.features(x)
    assert torch.equal(features, torch.cat([model.features(x) for model in models], dim=1))
    assert torch.equal(ensemble.head(features), ensemble(x))


def test_linear_head_gives_the_mean_of_the_members_logits() -> None:
    models = members(3)
    ensemble, x = Ensemble(models), images()
    head = ensemble.linear_head
    assert head is not None
    found = ensemble.features(x) @ head.weight.T + head.bias
    torch.testing.assert_close(found, torch.stack([model(x) for model in models]).mean(0))


def test_no_linear_head_where_a_member_has_none() -> None:
    plain = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(256, 200), torch.nn.Tanh())
    wrapped = wrap(plain, images())
    assert wrapped.linear_head is None
    assert Ensemble([wrapped, wrapped]).linear_head is None


def test_members_are_the_models_and_train_and_eval_reach_them() -> None:
    models = members(2)
    ensemble = Ensemble(models)
    assert ensemble.members == tuple(models)
    for mode in (True, False):
        ensemble.train(mode)
        assert all(model.training == mode for model in models)


def test_what_does_not_fit_together_is_refused() -> None:
    with pytest.raises(ContractError, match="at least one member"):
        Ensemble([])
    with pytest.raises(ContractError, match="the same number of classes"):
        Ensemble([*members(1, n_classes=3), *members(1, n_classes=4)])
    narrow = wrap(torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(256, 5)), images())
    with pytest.raises(ContractError, match="features of one width"):
        Ensemble([*members(1), narrow])(images())
