import base64
import io

import pytest
import torch
from PIL import Image

from assay.errors import BadValueError
from assay.png import data_uri, png


@pytest.mark.parametrize("channels", [1, 3])
def test_another_reader_finds_the_same_pixels(channels: int) -> None:
    x = torch.randint(0, 256, (channels, 5, 7), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    with Image.open(io.BytesIO(png(x))) as image:
        assert (image.size, image.mode) == ((7, 5), "L" if channels == 1 else "RGB")
        pixels = torch.tensor(list(image.tobytes()), dtype=torch.uint8).view(5, 7, channels)
    assert torch.equal(pixels.permute(2, 0, 1), x)


def test_floats_are_rounded_to_bytes() -> None:
    x = torch.tensor([[[0.0, 0.5, 1.0]]])
    assert png(x) == png(torch.tensor([[[0, 128, 255]]], dtype=torch.uint8))


def test_data_uri_holds_the_file() -> None:
    x = torch.zeros(1, 2, 2)
    head, body = data_uri(x).split(",", 1)
    assert head == "data:image/png;base64"
    assert base64.b64decode(body, validate=True) == png(x)


def test_other_shapes_are_refused() -> None:
    with pytest.raises(BadValueError, match="expected"):
        png(torch.zeros(2, 4, 4))
