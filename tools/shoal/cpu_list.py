"""CPU counts as written on the command line: `1,2,4` or `1-4,8`."""
from .errors import ExitCode, ShoalError

# QEMU's q35 starts 255 CPUs at most without an interrupt controller of the host's kernel.
MAX_CPUS = 255


def parse_cpu_list(text: str) -> list[int]:
    """Counts in the order written, each once. Raises ShoalError naming the offending part."""
    counts: list[int] = []
    for part in text.split(","):
        first, dash, last = part.partition("-")
        try:
            low = int(first)
            high = int(last) if dash else low
        except ValueError:
            raise ShoalError(f"'{part}' in --cpus {text} is not a CPU count",
                             "write counts and ranges, for example --cpus 1,2,4 or --cpus 1-4", ExitCode.USAGE) from None
        if not 1 <= low <= high <= MAX_CPUS:
            raise ShoalError(f"CPU count out of range: '{part}' in --cpus {text}",
                             f"QEMU's q35 machine has 1 to {MAX_CPUS} CPUs; a range goes upwards", ExitCode.USAGE)
        counts += [count for count in range(low, high + 1) if count not in counts]
    return counts
