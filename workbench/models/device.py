"""The device that a model runs on."""

import torch

from workbench.errors import BadValue


def device_of(name: str) -> torch.device:
    """The device of a name (cpu, cuda, cuda:1, mps …); "auto": an accelerator, or the CPU.

    Raises:
        BadValue: this machine has no such device.
    """
    if name == "auto":
        found = torch.accelerator.current_accelerator(check_available=True)
        return found or torch.device("cpu")
    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError) as error:
        raise BadValue("device", name, f"auto or a device of this machine: {error}") from error
