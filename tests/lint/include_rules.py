"""Dependencies point one way: boot -> kernel/smp -> kernel/core -> base, abi; servers -> libc-min, base, abi; no cycles."""
import re

from source_tree import Finding, is_cpp

# Folder -> folders it may include from, beside itself. The longest matching prefix counts.
ALLOWED = {
    "abi": {"base"},
    "base": {"abi"},
    "kernel/core": {"base", "abi"},
    "kernel/smp": {"kernel/core", "base", "abi"},
    "boot": {"kernel/smp", "kernel/core", "base", "abi"},
    "libc-min": {"base", "abi"},
    "servers/vm": {"libc-min", "base", "abi"},
    "servers/rs": {"libc-min", "base", "abi"},
    "servers/pm": {"libc-min", "base", "abi"},
    "bench/guest": {"libc-min", "base", "abi"},
    "bench/host": {"servers/vm", "kernel/core", "libc-min", "base", "abi", "tests/support"},
    "bench/sim": set(),
    "tests/guest": {"libc-min", "base", "abi", "bench/guest"},
    "tests/support": {"servers/vm", "kernel/core", "libc-min", "base", "abi"},
}
# Tests see every component; a component never sees a test.
FREE = "tests"
# (file, include) pairs that are right although the table refuses them, each with its reason.
EXCEPTIONS: dict[tuple[str, str], str] = {}

_INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)


def layer(path: str) -> str | None:
    """The folder of ALLOWED that a path lies in."""
    return max((name for name in ALLOWED if path.startswith(name + "/")), key=len, default=None)


def includes(text: str) -> list[tuple[int, str]]:
    return [(text.count("\n", 0, m.start(1)) + 1, m[1]) for m in _INCLUDE.finditer(text)]


def check_direction(tree: dict[str, str]) -> list[Finding]:
    found = []
    for path, text in tree.items():
        own = layer(path)
        if own is None or not (is_cpp(path) or path.endswith(".S")):
            continue
        for line, target in includes(text):
            other = layer(target) or (FREE if target.startswith(FREE + "/") else None)
            if other not in (None, own) and other not in ALLOWED[own] and (path, target) not in EXCEPTIONS:
                found.append(Finding(path, line, f"{own} must not include {target}"))
    return found


def check_from_top(tree: dict[str, str]) -> list[Finding]:
    """Includes are written from the top of the tree."""
    return [Finding(path, line, f"write the include of {target} from the top of the tree")
            for path, text in tree.items() if is_cpp(path) for line, target in includes(text) if target.startswith(".")]


def check_cycles(tree: dict[str, str]) -> list[Finding]:
    """No file includes itself by way of others."""
    graph = {path: [t for _, t in includes(text) if t in tree] for path, text in tree.items() if is_cpp(path)}
    found, done = [], set()

    def visit(path: str, way: list[str]) -> None:
        if path in way:
            found.append(Finding(path, 1, "include cycle: " + " -> ".join([*way[way.index(path):], path])))
        elif path not in done:
            for target in graph.get(path, ()):
                visit(target, [*way, path])
            done.add(path)

    for path in graph:
        visit(path, [])
    return found
