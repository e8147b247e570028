"""What a study has published: its own numbers, to stand beside ours."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class PublishedNumber:
    """One number of a published table, named as a row of ours: a recipe's label, evaluation, metric and setting.

    `value` is in our unit: shares in [0, 1] where the study prints per cent.
    """

    recipe: str
    evaluation: str
    metric: str
    setting: Mapping[str, str | float] = field(default_factory=dict)
    value: float


@dataclass(frozen=True, kw_only=True)
class Published:
    """A published table.

    Attributes:
        title: the study's title.
        text: what is known of how it was measured otherwise than here, in a sentence or two.
        numbers: in the order of the table.
    """

    title: str
    text: str
    numbers: tuple[PublishedNumber, ...]
