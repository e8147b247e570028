"""A flipped bit or a cut in any file of a cell: found by its checksum, and that cell alone is computed anew."""

import random
import shutil
from pathlib import Path

import pytest

from tests.faults.conftest import CELLS, Server, finished, table

FILES = (
    "models/*/model.safetensors",
    "models/*/cell.json",
    "models/*/checksums.json",
    "evaluations/*/observations.safetensors",
    "evaluations/*/draws.safetensors",
    "evaluations/*/measurements.json",
    "evaluations/*/cell.json",
    "evaluations/*/checksums.json",
)


@pytest.fixture(scope="module")
def whole(server: Server, undisturbed: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("whole")
    server.finish(out)
    assert table(out) == undisturbed
    return out


@pytest.mark.parametrize("harm", ["flip a bit", "cut"])
def test_damaged_files(harm: str, server: Server, undisturbed: bytes, whole: Path, tmp_path: Path) -> None:
    """One file of each kind, each of another cell where there are as many."""
    out = tmp_path / "store"
    shutil.copytree(whole, out)
    draws = random.Random(harm)
    hurt: set[str] = set()
    for pattern in FILES:
        kind = pattern.split("/")[0]
        paths = [path for path in sorted(out.glob(pattern)) if f"{kind}/{path.parent.name}" not in hurt]
        if not paths:
            continue
        path = draws.choice(paths)
        content = bytearray(path.read_bytes())
        if harm == "cut":
            del content[draws.randrange(len(content)) :]
        else:
            content[draws.randrange(len(content))] ^= 1 << draws.randrange(8)
        path.write_bytes(content)
        hurt.add(f"{kind}/{path.parent.name}")
    assert len(hurt) == len(FILES)
    before = finished(out)
    printed = server.finish(out)
    assert f"{len(hurt)} damaged in the store: computed anew" in printed
    assert table(out) == undisturbed
    now = finished(out)
    assert len(now) == CELLS
    assert {cell for cell in now if now[cell] != before[cell]} == hurt
