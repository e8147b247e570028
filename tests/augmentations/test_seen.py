from typing import Any

import pytest

import assay.augmentations
import assay.corruptions
import assay.outliers
from assay.recipe import part_classes

PARTS = part_classes(assay.augmentations)


@pytest.mark.parametrize("kind", PARTS.values(), ids=list(PARTS))
def test_what_an_augmentation_has_seen_are_names_of_corruptions_and_outliers(kind: Any) -> None:
    assert (
        set(getattr(kind, "seen", ())) <= part_classes(assay.corruptions).keys() | part_classes(assay.outliers).keys()
    )
