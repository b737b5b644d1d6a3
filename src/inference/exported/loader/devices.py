"""Devices of the networks."""
import torch


class NoDevice(RuntimeError):
    """A device that this machine lacks, or that this PyTorch cannot use."""


def known_device(name):
    """Returns the torch.device. Raises ValueError if PyTorch knows none of this name."""
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    if device is None or device.type == "meta":  # meta tensors have no values
        raise ValueError(f"device '{name}' is unknown; expected cpu, cuda or cuda:N")
    return device


def usable_device(name):
    """As known_device. Raises NoDevice if the device cannot hold a tensor."""
    device = known_device(name)
    try:
        torch.zeros(1, device=device)
    except Exception as error:  # each backend has classes of its own
        reason = (str(error).splitlines() or [type(error).__name__])[0].partition(". ")[0]
        raise NoDevice(f"device '{name}' cannot be used here ({reason[:200]}); choose another, such as cpu") from error
    return device
