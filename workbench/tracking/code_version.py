"""Which code a run ran."""

import subprocess
from pathlib import Path

import workbench


def code_version() -> dict[str, str]:
    """Tags: the package version and, in a git checkout of it, the commit and if it is dirty."""
    tags = {"workbench.version": workbench.__version__}
    folder = Path(workbench.__file__).parent

    def git(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=False
        )

    try:
        # A package installed inside somebody's own repository is not tracked there.
        if git("ls-files", "--error-unmatch", "__init__.py").returncode == 0:
            tags["mlflow.source.git.commit"] = git("rev-parse", "HEAD").stdout.strip()
            tags["workbench.dirty"] = str(bool(git("status", "--porcelain").stdout)).lower()
    except FileNotFoundError:
        tags["workbench.dirty"] = "unknown: no git on this machine"
    return tags


def code_version_text() -> str:
    """The same in one line: the commit, or the version where there is none; `+` for dirty."""
    tags = code_version()
    commit = tags.get("mlflow.source.git.commit", tags["workbench.version"])
    return commit + ("+" if tags.get("workbench.dirty") == "true" else "")
