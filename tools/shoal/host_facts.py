"""What has to stand beside every figure: how it was obtained and on what."""
import os
import platform
from pathlib import Path

from .accelerator import Accelerator


def host_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))


def processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or "unknown processor"


def is_scaling(cpus: int) -> bool:
    """Whether a run with this many virtual CPUs measures scaling at all on this host."""
    return cpus <= host_cores()


def context(accelerator: Accelerator, cpus: int) -> dict:
    """For the `context` of a Google Benchmark document."""
    return {"system": "shoal", "accelerator": accelerator.name, "accelerator_reason": accelerator.reason,
            "host_processor": processor(), "host_cores": host_cores(), "virtual_cpus": cpus,
            "note": "" if is_scaling(cpus) else NO_SCALING}


NO_SCALING = "no measure of scaling"
