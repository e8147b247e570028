"""What an attack costs: images passed forward ("queries") and images differentiated, counted exactly.

Time depends on the machine and on what else it does; these numbers do not. An image counts each time it is passed
through the model, and each time a gradient is taken back through that pass. A pass through one member of an ensemble of
N counts 1 / N: N members one after another, or the ensemble at once, are one pass of the ensemble.
"""

from torch import Tensor

from assay.classifier import Classifier, LinearHead, Outputs


class Counted(Classifier):
    """A classifier that counts what passes through it, and is otherwise the model that it holds.

        counted = Counted(model)
        attack(counted, x, y, generator)
        counted.forwarded / len(x), counted.differentiated / len(x)

    A pass counts when its features are made, with or without the logits; `head` alone is free. A gradient counts
    when it reaches the features.

    Attributes:
        model: the model inside, whose weights and modes it shares.
    """

    def __init__(self, model: Classifier) -> None:
        super().__init__()
        self.n_classes, self.model = model.n_classes, model
        self._inside = [] if model.members == (model,) else [Counted(member) for member in model.members]
        self._forwarded = self._differentiated = 0

    @property
    def forwarded(self) -> float:
        """Images passed forward since `reset`, gradient or not."""
        inside = sum(member.forwarded for member in self._inside)
        return self._forwarded + inside / max(1, len(self._inside))

    @property
    def differentiated(self) -> float:
        """Images whose gradient was taken since `reset`."""
        inside = sum(member.differentiated for member in self._inside)
        return self._differentiated + inside / max(1, len(self._inside))

    def reset(self) -> None:
        """Count from 0 again."""
        self._forwarded = self._differentiated = 0
        for member in self._inside:
            member.reset()

    @property
    def members(self) -> tuple[Classifier, ...]:
        """The members of the model inside, each counted."""
        return tuple(self._inside) or (self,)

    def outputs(self, x: Tensor) -> Outputs:
        """The model's outputs for x (B, C, H, W)."""
        outputs = self.model.outputs(x)
        self._count(outputs.features)
        return outputs

    def features(self, x: Tensor) -> Tensor:
        """The model's features for x (B, C, H, W)."""
        features = self.model.features(x)
        self._count(features)
        return features

    def head(self, features: Tensor) -> Tensor:
        """The model's head, uncounted."""
        return self.model.head(features)

    @property
    def linear_head(self) -> LinearHead | None:
        """The model's."""
        return self.model.linear_head

    @property
    def log_probabilities(self) -> bool:
        """The model's."""
        return self.model.log_probabilities

    def _count(self, features: Tensor) -> None:
        self._forwarded += len(features)
        if features.requires_grad:
            features.register_hook(self._count_gradient)  # type: ignore[no-untyped-call]

    def _count_gradient(self, gradient: Tensor) -> None:
        self._differentiated += len(gradient)
