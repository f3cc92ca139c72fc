"""What lies at an address: objects of VM's arena and the kernel's tables where the memory was read after the run, else objects by the
linker's symbols, else the range it is in."""
from . import symbols

_LINE = 64
# kernel/smp/local/layout.h: the last GiB is each CPU's own.
_CPU_LOCAL = 0xFFFFFFFFC0000000
# Of a program's own memory its addresses say more than what its frames are, or were before the program ended.
_SAYS_LITTLE = ("Anonymous frame", "Free frame")
_VM_WINDOW = range(0x2000_0000_0000, 0x4000_0000_0000)  # abi/boot_info.hpp


def name(address: int, physical: int, image: symbols.Image | None, kernel: symbols.Image | None, known: dict[int, str]) -> str:
    """Of an access by code of `image`. `known`: names by physical address (memory_map.names)."""
    found = known.get(physical)
    if found and (found not in _SAYS_LITTLE or address in _VM_WINDOW):
        return found
    if symbols.is_kernel(address):
        return _kernel_object(address, kernel)
    program = image.name if image else "user"
    return f"{program}: {(image.data(address) if image else None) or f'memory at {address // _LINE * _LINE:#x}'}"


def member(physical: int, known: dict[int, str]) -> str:
    """A short form for a list of places."""
    return known.get(physical) or f"{physical:#x}"


def _kernel_object(address: int, kernel: symbols.Image | None) -> str:
    if address >= _CPU_LOCAL:
        return f"CPU-local area, {address // _LINE * _LINE:#x}"
    found = kernel.data(address) if kernel else None
    return found or f"kernel memory, {address // _LINE * _LINE:#x}"
