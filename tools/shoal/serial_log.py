"""What a guest's console says, taken apart. One place knows the words that kernel and programs print."""
import json
import re

END = re.compile(r"shoal: end status (-?\d+)")
PANIC = "PANIC:"
KERNEL = "shoal: "  # begins every line of the kernel's log
WAITING = "shoal: the machine may be switched off"  # after the end line, where the machine cannot do so itself
JSON_BEGIN = "--- benchmark json begin ---"
JSON_END = "--- benchmark json end ---"

_RESULT = re.compile(r"^RES (\S+) T=(\d+) ops/thread (\d+)")
_DEFERRED = re.compile(r"^DEFERRED (\S+) T=(\d+) pages (-?\d+) objects (-?\d+)")
_VERDICT = re.compile(r"^(PASS|FAIL) ([^\s:]+)(?:: (.*))?$")
_ESCAPES = re.compile(r"\x1b(\[[0-9;?=]*[A-Za-z]|[c()][0-9A-Z]?)")


def clean(line: str) -> str:
    """Without the line end and the terminal escapes that firmware and boot loader send."""
    return _ESCAPES.sub("", line).strip("\r\n\0")


def end_status(line: str) -> int | None:
    """The program's status if this line ends a run."""
    match = END.search(line)
    return int(match[1]) if match else None


def system_line(lines: list[str]) -> str:
    return next((line[len("SYSTEM "):] for line in lines if line.startswith("SYSTEM ")), "")


def results(lines: list[str]) -> list[tuple[str, int, int]]:
    """RES lines as (workload, threads, operations a thread)."""
    return [(m[1], int(m[2]), int(m[3])) for m in map(_RESULT.match, lines) if m]


def deferred(lines: list[str]) -> list[tuple[str, int, int, int]]:
    """DEFERRED lines as (workload, threads, pages, objects)."""
    return [(m[1], int(m[2]), int(m[3]), int(m[4])) for m in map(_DEFERRED.match, lines) if m]


def verdicts(lines: list[str]) -> list[tuple[str, bool, str]]:
    """PASS and FAIL lines as (case, passed, reason)."""
    return [(m[2], m[1] == "PASS", m[3] or "") for m in map(_VERDICT.match, lines) if m]


def benchmark_documents(lines: list[str]) -> list[dict]:
    """Every Google Benchmark document between markers. Raises ValueError for one that is cut off or not JSON."""
    documents, current = [], None
    for line in lines:
        if JSON_BEGIN in line:
            current = []
        elif JSON_END in line and current is not None:
            documents.append(json.loads("\n".join(current)))
            current = None
        elif current is not None:
            current.append(line)
    if current is not None:
        raise ValueError(f"'{JSON_BEGIN}' without '{JSON_END}': the log is cut off")
    return documents
