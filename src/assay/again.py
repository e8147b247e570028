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
    out: Path | str = OUT,
) -> str:
    """The words to type, such as "assay run quickstart --limit 200 --out results".

    Args:
        study: its name.
        preset: a slice of it.
        limit: images of each set.
        seeds: None are the study's own, and so is a single 0.
        out: the store.
    """
    words = ["assay", "run", study]
    words += [] if preset is None else ["--preset", preset]
    words += [] if limit is None else ["--limit", str(limit)]
    words += [] if seeds is None or list(seeds) == [0] else ["--seeds", ",".join(str(seed) for seed in seeds)]
    words += [] if Path(out) == OUT else ["--out", str(out)]
    return shlex.join(words)
