"""Training in several processes: which of them leads the run."""

import os


def leads() -> bool:
    """False in the processes that Lightning or torchrun has started beside the first."""
    return all(os.environ.get(name, "0") == "0" for name in ("LOCAL_RANK", "RANK"))
