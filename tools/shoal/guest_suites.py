"""The suites that measure Shoal from inside, and the kernel options that start each."""

MEASURED = ("faults", "pipeline", "ipc", "vm")
WAITS = "waits"  # for the timing model only: each fault is a stretch

# These make processes themselves.
_OPTIONS = {"vm": ["rs.role=manager"], WAITS: ["rs.role=manager"]}


def program(suite: str) -> str:
    """The suite's image; "vm" is the server's."""
    return "vm_calls" if suite == "vm" else suite


def boot_options(suite: str, words: list[str]) -> list[str]:
    """words: the suite's own arguments, name=value."""
    arguments = [f"rs.args={','.join(words)}"] if words else []
    return [f"bench={program(suite)}", *_OPTIONS.get(suite, []), *arguments]
