"""Keeps glibc from giving memory back between the steps of a training on the CPU."""

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # M_TRIM_THRESHOLD and M_MMAP_MAX of malloc.h
_NEVER = 2**31 - 1


def keep_memory() -> bool:
    """Tells glibc to reuse freed memory; whether it took both settings.

    Activations of tens of megabytes are otherwise mapped and unmapped at each layer, and the
    kernel's zeroing of fresh pages costs more than the arithmetic. Elsewhere than on Linux with
    glibc nothing is done.
    """
    if not sys.platform.startswith("linux"):
        return False
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "mallopt"):
        return False
    return bool(libc.mallopt(_MMAP_MAX, 0) and libc.mallopt(_TRIM_THRESHOLD, _NEVER))
