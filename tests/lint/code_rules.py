"""What the code itself must keep to: where assembly may be, what stands beside an atomic, no traces of a machine."""
import re

from source_tree import Finding, is_cpp, without_comments

# Privileged instructions live in kernel/smp and boot. Programs have the system call instruction and the timing model's marks.
# base/memory has the string instructions that copying and clearing are best done with. VM has no libc-min under it: the entry
# point of its workers, where the stack is not yet what the ABI wants, is its own.
_ASSEMBLY_FOLDERS = ("kernel/smp/", "boot/", "libc-min/", "bench/guest/", "tests/", "base/memory/", "servers/vm/main/")
_PRIVILEGED_FOLDERS = ("kernel/smp/", "boot/")
_ASSEMBLY = re.compile(r"\b(asm|__asm__|__asm)\b\s*(volatile|goto|__volatile__)?\s*\(")
_PRIVILEGED = re.compile(r"\b(rdmsr|wrmsr|invlpg|invpcid|lgdt|lidt|ltr|stac|clac|swapgs)\b|%%cr[0-9]")

_ORDERED = re.compile(r"\bmemory_order(?:_|::)(?:acquire|release|acq_rel|seq_cst|consume)\b")
_PAIRS = re.compile(r"pairs? with", re.IGNORECASE)
# How far above a use its comment may stand: a comment of three lines over a statement of three.
PAIRS_REACH = 6

_MACHINE = re.compile(r"(?<![\w.])/(?:home|root|work|Users)/[\w.-]+|(?<![\w.])/tmp/[\w.-]+")
_EXEMPT_FROM_MACHINE = ("tests/lint/",)  # the rule and its tests spell what it looks for


def check_assembly(tree: dict[str, str]) -> list[Finding]:
    found = []
    for path, text in tree.items():
        if path.endswith(".S") and not path.startswith(_ASSEMBLY_FOLDERS):
            found.append(Finding(path, 1, "assembly outside boot, kernel/smp and libc-min"))
        if not is_cpp(path) or path.startswith(_PRIVILEGED_FOLDERS):
            continue
        bare = without_comments(text).splitlines()
        for number, (line, raw) in enumerate(zip(bare, text.splitlines()), start=1):
            if not _ASSEMBLY.search(line):
                continue
            if not path.startswith(_ASSEMBLY_FOLDERS):
                found.append(Finding(path, number, "assembly outside boot, kernel/smp and libc-min"))
            elif _PRIVILEGED.search(raw) and not path.startswith("tests/"):
                found.append(Finding(path, number, "a privileged instruction outside boot and kernel/smp"))
    return found


def check_pairs(tree: dict[str, str]) -> list[Finding]:
    """Beside every non-relaxed atomic stands the comment that names its partner."""
    found = []
    for path, text in tree.items():
        if not is_cpp(path) or path.startswith("tests/"):
            continue
        bare, raw = without_comments(text).splitlines(), text.splitlines()
        for number, line in enumerate(bare):
            if _ORDERED.search(line) and not _PAIRS.search("\n".join(raw[max(0, number - PAIRS_REACH):number + 2])):
                found.append(Finding(path, number + 1, "no comment says what this atomic pairs with"))
    return found


def check_machine_paths(tree: dict[str, str]) -> list[Finding]:
    """No path of somebody's machine in code or prose."""
    return [Finding(path, text.count("\n", 0, match.start()) + 1, f"a path of one machine: {match[0]}")
            for path, text in tree.items() if not path.startswith(_EXEMPT_FROM_MACHINE) for match in _MACHINE.finditer(text)]
