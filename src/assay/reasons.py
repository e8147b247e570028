"""Why a cell failed, in words."""

import traceback
from pathlib import Path

from assay.errors import AssayError
from assay.memory import lacks_memory

MORE = "use a machine with more memory"


def reason_of(error: Exception) -> str:
    """One sentence for what a user can mend; where and what for anything else."""
    if isinstance(error, AssayError):
        return str(error)
    if lacks_memory(error):
        return f"the memory was too small for it ({type(error).__name__})"
    where = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} ({Path(where.filename).name}, line {where.lineno})"
