"""What lies where in the machine's memory, read from the memory itself when a run is over: VM's arena describes every frame, the
kernel's tables say where they are. Objects that were freed before the end have the name of what is there now."""
import mmap
import struct
from pathlib import Path

from .. import project
from . import symbols
from .layouts import Layouts

_PAGE, _LINE = 4096, 64
_MAGIC = b"SVMARENA"                  # servers/vm/arena/arena.hpp
_WINDOW = 0x2000_0000_0000            # abi/boot_info.hpp
_KERNEL = 0xFFFF_FFFF_8000_0000       # boot/kernel.ld
_DIRECT_MAP = 0xFFFF_8000_0000_0000   # kernel/smp/memory/direct_map.hpp
_SLAB_TYPES = "shoal::vm::SlabType"
_FRAME_KINDS = "shoal::vm::FrameKind"
_KERNEL_TABLES = "shoal::kernel::tables"
_THREAD, _PROCESS, _CPU = (f"shoal::kernel::{name}" for name in ("Thread", "Process", "Cpu"))
_CPU_SPACES, _SHARED_SPACES, _SHARED_SPACE, _ROOT_SLOT = (
    f"shoal::kernel::space::{name}" for name in ("CpuSpaces", "SharedSpaces", "SharedSpace", "RootSlot"))
_KERNEL_TYPES = (_THREAD, _PROCESS, _CPU, _CPU_SPACES, _SHARED_SPACES, _SHARED_SPACE, _ROOT_SLOT)
_VM_TYPES = ("ArenaHeader", "FrameInfo", "Worker", "ProcessTable", "ProcessShard", "ProcessSlot", "Slab", "FramePool", "SlabType",
             "FrameKind", "Space", "Segment", "Region", "Leaf", "RunTree", "Run", "Sharer", "Request", "FlushBatch", "LeafNode",
             "SegmentDirectory", "QuotaLease", "QuotaDirectory")


def vm_type(name: str) -> str:
    return f"shoal::vm::{name}"


class MemoryMap:
    """Names of physical addresses, as TYPE.MEMBER. `memory`: the machine's memory below 2 GiB, byte by byte."""

    def __init__(self, memory, kernel: symbols.Image, vm: Layouts, core: Layouts):
        self._memory, self._kernel, self._vm, self._core = memory, kernel, vm, core
        self._header = self._find_arena()
        self._ranges = self._kernel_ranges() + (self._arena_ranges() if self._header is not None else [])

    def name(self, physical: int) -> str | None:
        for start, count, layouts, kind in self._ranges:
            size = layouts.size(kind)
            if size and start <= physical < start + count * size:
                return _member(layouts, kind, (physical - start) % size)
        kind = self._frame_kind(physical)
        if kind == "Slab":
            return self._slab_object(physical)
        if kind not in (None, "Absent", "Permanent"):
            return f"{kind} frame"
        return self._kernel.data(_KERNEL + physical)

    def _word(self, physical: int, form: str = "<Q") -> int:
        return struct.unpack_from(form, self._memory, physical)[0]

    def _field(self, kind: str, start: int, member: str, form: str = "<Q") -> int:
        return self._word(start + (self._vm.offset(vm_type(kind), member) or 0), form)

    def _find_arena(self) -> int | None:
        place = self._memory.find(_MAGIC)
        while place >= 0 and place % _PAGE:
            place = self._memory.find(_MAGIC, place + 1)
        return place if place >= 0 and self._vm.size(vm_type("ArenaHeader")) else None

    def _arena_ranges(self) -> list[tuple[int, int, Layouts, str]]:
        """(physical start, objects, layouts, type) of the arena's permanent arrays."""
        header = self._header
        cpus, slots = (self._field("ArenaHeader", header, name, "<I") for name in ("cpus", "process_slots"))
        table = header + (self._vm.offset(vm_type("ArenaHeader"), "frame_table") or 0)
        self._frames, self._first_frame, self._frame_count = self._word(table) - _WINDOW, self._word(table + 8), self._word(table + 16)
        processes = self._field("ArenaHeader", header, "processes") - _WINDOW
        shards = processes + -(-self._vm.size(vm_type("ProcessTable")) // _LINE) * _LINE
        slot_array = shards + cpus * self._vm.size(vm_type("ProcessShard"))
        arrays = [(header, 1, "ArenaHeader"), (self._frames, self._frame_count, "FrameInfo"), (processes, 1, "ProcessTable"),
                  (self._field("ArenaHeader", header, "workers") - _WINDOW, cpus, "Worker"), (shards, cpus, "ProcessShard"),
                  (slot_array, slots, "ProcessSlot"), (self._field("ArenaHeader", header, "frame_pool") - _WINDOW, 1, "FramePool")]
        return [(start, count, self._vm, vm_type(kind)) for start, count, kind in arrays]

    def _kernel_ranges(self) -> list[tuple[int, int, Layouts, str]]:
        """The kernel's tables (kernel/core/objects/tables.hpp) and, by way of its Cpus, those of its spaces."""
        start = self._kernel.address(symbols.short(_KERNEL_TABLES))
        if start is None:
            return []
        tables = [(*self._span(start - _KERNEL + 16 * index), kind) for index, kind in enumerate((_THREAD, _PROCESS, _CPU))]
        first_cpu, cpus, _ = tables[-1]
        own = [self._core.offset(_CPU, "spaces"), self._core.offset(_CPU_SPACES, "shared_"), self._core.offset(_CPU_SPACES, "roots_"),
               self._core.offset(_SHARED_SPACES, "spaces")]
        if None not in own and cpus:
            to_spaces, to_shared, to_roots, to_space = own
            of_cpu = [self._pointer(first_cpu + cpu * self._core.size(_CPU) + to_spaces) for cpu in range(cpus)]
            shared = self._pointer(of_cpu[0] + to_shared)
            tables += [(spaces, 1, _CPU_SPACES) for spaces in of_cpu]
            tables += [(*self._span(spaces + to_roots), _ROOT_SLOT) for spaces in of_cpu]
            tables += [(shared, 1, _SHARED_SPACES), (*self._span(shared + to_space), _SHARED_SPACE)]
        return [(first, count, self._core, kind) for first, count, kind in tables]

    def _pointer(self, physical: int) -> int:
        """What a pointer of the kernel's points to."""
        return self._word(physical) - _DIRECT_MAP

    def _span(self, physical: int) -> tuple[int, int]:
        """First object and number of a std::span of the kernel's."""
        return self._pointer(physical), self._word(physical + 8)

    def _frame_kind(self, physical: int) -> str | None:
        if self._header is None or not 0 <= physical // _PAGE - self._first_frame < self._frame_count:
            return None
        info = self._frames + (physical // _PAGE - self._first_frame) * self._vm.size(vm_type("FrameInfo"))
        return _enumerator(self._vm, _FRAME_KINDS, self._field("FrameInfo", info, "kind_", "<B"))

    def _slab_object(self, physical: int) -> str:
        slab, offset = physical // _PAGE * _PAGE, physical % _PAGE
        kind = _enumerator(self._vm, _SLAB_TYPES, self._field("Slab", slab, "type_", "<B"))
        if offset < _LINE:
            return f"Slab of {kind}.{self._vm.path(vm_type('Slab'), offset)}"
        stride = self._field("Slab", slab, "stride_", "<H") or _PAGE
        inside = (offset - _LINE) % stride
        size = self._vm.size(vm_type(kind))
        return f"{kind}.(link while free)" if size and inside >= size else _member(self._vm, vm_type(kind), inside)


def _enumerator(layouts: Layouts, name: str, value: int) -> str:
    words = layouts.enumerators(name)
    return words[value] if value < len(words) else f"{name.rpartition('::')[2]} {value}"


def _member(layouts: Layouts, kind: str, offset: int) -> str:
    path = layouts.path(kind, offset)
    return f"{kind.rpartition('::')[2]}{'' if path.startswith('+') else '.'}{path}"


def names(file: Path, addresses: set[int], images: symbols.Images) -> dict[int, str]:
    """Of those addresses that have one. `file`: the machine's memory."""
    kernel = images.kernel()
    if kernel is None or not addresses:
        return {}
    folder = project.BUILD / project.guest_preset(False)
    vm = Layouts(folder / "programs" / "vm", [vm_type(name) for name in _VM_TYPES])
    core = Layouts(folder / "boot" / "shoal_kernel", list(_KERNEL_TYPES))
    with open(file, "rb") as stream, mmap.mmap(stream.fileno(), 0, prot=mmap.PROT_READ) as memory:
        known = MemoryMap(memory, kernel, vm, core)
        found = {address: known.name(address) for address in addresses if address + _PAGE <= len(memory)}
    return {address: name for address, name in found.items() if name}
