"""A small store, made by hand: two studies that share a model, a tuning, a failure, a piece."""

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assay.packing import to_json
from assay.store import Store, key_of

Make = Callable[..., Store]

BASE, TUNED, START, LOST = (key_of(name) for name in ("base", "tuned", "start", "lost"))
CLEAN, BROKEN, WAITING = (key_of(name) for name in ("clean", "broken", "waiting"))


def model(**record: Any) -> dict[str, bytes]:
    return {"model.safetensors": b"weights" * 10, "cell.json": to_json(record)}


def evaluation(value: float = 0.5) -> dict[str, bytes]:
    return {"measurements.json": to_json([value]), "cell.json": to_json({"seconds": value})}


def plan(recipe: str, models: list[str], evaluations: dict[str, str], **more: Any) -> dict[str, Any]:
    entry = {"recipe": recipe, "seed": 0, "models": models, "evaluations": evaluations}
    return {"study": "x", "models": [entry], **more}


def filled(address: Path | str) -> Store:
    """Names: first has base (done), clean (done), broken (failed); second base, tuned (done), waiting (nothing)."""
    store = Store(address)
    store.write("models", BASE, model())
    store.write("models", START, model())
    store.write("models", TUNED, model(start=[START]))
    store.write("models", LOST, model())
    store.write("evaluations", CLEAN, evaluation())
    store.fail(BROKEN, "it diverged")
    store.keep_piece(WAITING, "0-500-abc", b"piece")
    store.write_study("first", plan("baseline", [BASE], {"calibration": CLEAN, "shift": BROKEN}))
    store.write_study("second", plan("tuned", [BASE, TUNED], {"calibration": WAITING}))
    return store


@pytest.fixture(params=["folder", "memory"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    """Makes a filled store by name, in a folder and in memory alike."""
    own = uuid.uuid4().hex

    def at(name: str) -> Store:
        return filled(tmp_path / name if request.param == "folder" else f"memory://{own}/{name}")

    return at


@pytest.fixture
def store(make: Make) -> Store:
    return make("store")


def everything(store: Store) -> dict[str, bytes]:
    """All files of a store by path."""
    names = store.place.names("")
    paths = [file.path for name in names for file in store.place.files(name)]
    return {path: store.place.read(path) for path in paths}


def stored(store: Store, kind: str, key: str, name: str) -> str:
    """Where a file of a cell is."""
    return f"{kind}/{key}/{store.place.named(name, store.checksums(kind, key)[name])}"
