"""A run: its configuration, code version, data fingerprint, metrics and artifacts in MLflow.

A run is known by a key, a hash of its stage, configuration and data. A stage that is started
again with the same key goes on with the same run, so that nothing is done or counted twice:
a finished run says so, and one that was killed or failed is taken up where it stopped.
"""

from workbench.tracking.code_version import code_version
from workbench.tracking.places import study_storage, tracking_uri, work_folder
from workbench.tracking.run import ERROR, KEY, STAGE, Run, run_key
from workbench.tracking.tracker import Tracker

__all__ = [
    "ERROR",
    "KEY",
    "STAGE",
    "Run",
    "Tracker",
    "code_version",
    "run_key",
    "study_storage",
    "tracking_uri",
    "work_folder",
]
