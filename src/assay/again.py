"""The command that starts a run or goes on with it, for messages and pages."""

import shlex
from collections.abc import Sequence
from pathlib import Path

OUT = Path("assay-out")  # the store where none is named


def command(
    study: str,
    *,
    preset: str | None = None,
    limit: int | None = None,
    seeds: Sequence[int] | None = None,
    recipes: str | None = None,
    data: Path | str | None = None,
    out: Path | str = OUT,
    does: str = "run",
) -> str:
    """The words to type, such as "assay run quickstart --limit 200 --out results".

    Args:
        study: its name.
        preset: a slice of it.
        limit: images of each set.
        seeds: None are the study's own, and so is a single 0.
        recipes: those to compute alone, as `--recipes` takes them.
        data: the folder with data sets, where one was named.
        out: the store.
        does: the command: "run" or "report".
    """
    words = ["assay", does, study]
    words += [] if preset is None else ["--preset", preset]
    words += [] if limit is None else ["--limit", str(limit)]
    words += [] if seeds is None or list(seeds) == [0] else ["--seeds", ",".join(str(seed) for seed in seeds)]
    words += [] if recipes is None else ["--recipes", recipes]
    words += [] if data is None else ["--data", str(data)]
    words += [] if Path(out) == OUT else ["--out", str(out)]
    return shlex.join(words)
