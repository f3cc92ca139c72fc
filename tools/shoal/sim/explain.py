"""A page that explains one page fault step by step, from a trace of the model: docs/one-fault.md."""
from dataclasses import dataclass, field

from . import objects, traces
from .report import Names
from .run import Run

WORKLOAD = "fault_threads"
# The fault that is traced, of 512 in a round: far from the ends of the chunk, where tables are there and frames at hand.
WHICH = 250

_HEAD = """# One page fault, step by step

Made by `./shoal sim --explain` from a run in the timing model ([bench/sim](../bench/sim/README.md)); not written by hand. Workload
`{workload}`, one actor on one CPU, fault {which} of a measurement's third repetition. Cycles are the model's: an instruction is one, an exception's entry and return
500 at the IRET, SYSCALL 70, SYSRET 50, a CR3 load 200, zeroing the page 128. Lines are cache lines; a line counts where it is first
touched in the fault, and in "written" where it is first written.

**{instructions} instructions, {cycles} cycles, {lines} lines, of which {written} are written.**
"""
_LEGEND = {"kernel": "kernel", "vm": "VM's worker on this CPU"}


@dataclass
class Stage:
    """What runs in one program until another one goes on."""

    program: str
    functions: dict[str, list[int]] = field(default_factory=dict)  # -> [instructions, cycles, lines, lines written]
    touched: list[str] = field(default_factory=list)               # objects, in the order of their lines' first touch


def stages(steps: list[traces.Step], names: Names, known: dict[int, str]) -> list[Stage]:
    """Steps by program and function. A line counts with the function that touches it first."""
    found: list[Stage] = []
    seen: set[int] = set()
    written: set[int] = set()
    for step in steps:
        program, _, function = names.function(step.block).partition(":")
        if not found or found[-1].program != program:
            found.append(Stage(program))
        sums = found[-1].functions.setdefault(function, [0, 0, 0, 0])
        sums[0] += step.instructions
        sums[1] += step.cycles
        for touch in step.touches:
            line = touch.physical // 64
            sums[2] += line not in seen
            sums[3] += touch.store and line not in written
            if line not in seen or (touch.store and line not in written):
                place = objects.name(touch.address, touch.physical, names.image(step.block), names.images.kernel(), known)
                found[-1].touched.append(f"{'**' if touch.store else ''}{place}{'**' if touch.store else ''}")
            seen.add(line)
            written |= {line} if touch.store else set()
    return found


def page(run: Run, names: Names) -> str:
    """The document. Raises ValueError if the trace is empty."""
    # The last repetition: its frames and tables have been in use before.
    section = (traces.sections(run.model, "STEPEND") or [traces.Section()])[-1]
    if not section.steps:
        raise ValueError("the model traced nothing")
    parts = stages(section.steps, names, run.objects)
    sums = [sum(values[i] for stage in parts for values in stage.functions.values()) for i in range(4)]
    text = [_HEAD.format(workload=WORKLOAD, which=WHICH, instructions=sums[0], cycles=sums[1], lines=sums[2], written=sums[3])]
    for number, stage in enumerate(parts, start=1):
        own = [sum(values[i] for values in stage.functions.values()) for i in range(4)]
        where = _LEGEND.get(stage.program, f"the program {stage.program}")
        text.append(f"\n## {number}. In {where}: {own[0]} instructions, {own[1]} cycles, {own[2]} lines\n")
        text.append("| function | instructions | cycles | lines | written |\n|---|---|---|---|---|")
        text += [f"| `{name}` | {v[0]} | {v[1]} | {v[2]} | {v[3]} |" for name, v in stage.functions.items()]
        if stage.touched:
            text.append("\nNew lines, written ones in bold: " + ", ".join(dict.fromkeys(stage.touched)) + ".")
    return "\n".join(text) + "\n"
