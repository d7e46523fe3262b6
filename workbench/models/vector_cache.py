"""Vectors on disk, so that no text is read twice by the same encoder.

FOLDER/vectors/KEY/HASH.safetensors     `ids` [n, 16] uint8 and `vectors` [n, width] float32

KEY stands for the encoder's content and how it is read (`TextEncoder.key`), an id for a text, and
HASH for the file's own content, so that a damaged file is found out. A file is written whole under
another name and then renamed: a process may be killed at any moment, and two may write at once.
"""

import hashlib
import os
import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from workbench import terminal
from workbench.models.proportion import in_proportion
from workbench.models.vectors import TextEncoder

_BLOCK = 512
"""Texts of a file: what a kill costs at most."""
_ID = 16  # bytes
_STALE = 3600.0  # seconds after which an unfinished file is no other process's


def cached_vectors(
    encoder: TextEncoder,
    texts: Sequence[str],
    folder: Path,
    *,
    tokens_per_batch: int = 16384,
    precision: str = "float32",
    progress: Callable[[int], None] | None = None,
) -> np.ndarray:
    """Vectors [n, width] float32 of n texts, those that `folder` holds from there.

    What is new is read, shortest texts first, and kept every 512 texts. Other options and errors
    as in `TextEncoder.vectors`.
    """
    if not texts:
        return np.zeros((0, encoder.width), np.float32)
    place = folder / "vectors" / encoder.key(precision)
    place.mkdir(parents=True, exist_ok=True)
    of_text = {text: _id(text) for text in texts}
    found = _read(place, set(of_text.values()), encoder.width)
    told = in_proportion(progress, len(of_text), len(texts))
    told(len(found))
    new = sorted((text for text in of_text if of_text[text] not in found), key=_by_length)
    for start in range(0, len(new), _BLOCK):
        part = new[start : start + _BLOCK]
        vectors = encoder.vectors(
            part, tokens_per_batch=tokens_per_batch, precision=precision, progress=told
        )
        ids = [of_text[text] for text in part]
        _write(place, ids, vectors)
        found.update(zip(ids, vectors, strict=True))
    return np.stack([found[of_text[text]] for text in texts])


def _id(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()[:_ID]


def _by_length(text: str) -> tuple[int, str]:
    return len(text), text


def _read(place: Path, wanted: set[bytes], width: int) -> dict[bytes, np.ndarray]:
    """The vectors of ids that there are; what is damaged is removed."""
    found: dict[bytes, np.ndarray] = {}
    for file in sorted(place.glob("*.safetensors")):
        block = _block(file, width)
        if block is None:
            terminal.say(f"{file} is damaged: its vectors are made anew")
            file.unlink(missing_ok=True)
            continue
        ids, vectors = block
        for row, id in enumerate(ids):
            if id in wanted:
                found.setdefault(id, vectors[row])
    return found


def _block(file: Path, width: int) -> tuple[list[bytes], np.ndarray] | None:
    """Ids and vectors of a file; None where it is not what its name says."""
    try:
        arrays = load_file(file)
    except (SafetensorError, FileNotFoundError):  # or removed as damaged by another process
        return None
    if set(arrays) != {"ids", "vectors"} or file.stem != _name(arrays):
        return None
    ids, vectors = arrays["ids"], arrays["vectors"]
    if vectors.shape != (len(ids), width) or ids.shape[1:] != (_ID,):
        return None
    return [row.tobytes() for row in ids], vectors


def _write(place: Path, ids: list[bytes], vectors: np.ndarray) -> None:
    for file in place.glob("*.part"):
        with suppress(FileNotFoundError):  # another process has just finished it
            if time.time() - file.stat().st_mtime > _STALE:
                file.unlink()
    arrays = {
        "ids": np.frombuffer(b"".join(ids), np.uint8).reshape(len(ids), _ID),
        "vectors": np.ascontiguousarray(vectors),
    }
    name = _name(arrays)
    part = place / f"{name}.{secrets.token_hex(4)}.part"
    save_file(arrays, part)
    os.replace(part, place / f"{name}.safetensors")


def _name(arrays: dict[str, np.ndarray]) -> str:
    """Hash of the arrays of a file (32 hex digits)."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(f"{name} {arrays[name].dtype} {arrays[name].shape}".encode())
        digest.update(np.ascontiguousarray(arrays[name]).tobytes())
    return digest.hexdigest()[:32]
