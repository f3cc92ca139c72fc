"""A guest of 512 bytes for timing an accelerator: counts down in protected mode and leaves through isa-debug-exit.

Protected mode, because that is where an ordinary guest lives: an accelerator that opens but traps every instruction (or
aborts on a register) shows it here, or already in the firmware before it.
"""
import struct

LOAD_ADDRESS = 0x7C00
LOOPS = 1 << 27
EXIT_VALUE = 0x2A
EXIT_STATUS = EXIT_VALUE * 2 + 1  # what isa-debug-exit makes of it

_FLAT_CODE = 0x00CF9A000000FFFF  # base 0, limit 4 GiB, 32-bit code (Intel SDM vol. 3, 3.4.5)
_FLAT_DATA = 0x00CF92000000FFFF


def boot_sector(loops: int = LOOPS) -> bytes:
    """The sector, ready for the start of a floppy disk."""
    real_mode_size, gdt_offset = 24, 64
    protected = LOAD_ADDRESS + real_mode_size
    pointer = LOAD_ADDRESS + gdt_offset + 24
    code = b"\xfa" b"\x31\xc0" b"\x8e\xd8"                # cli; xor ax, ax; mov ds, ax
    code += b"\x0f\x01\x16" + struct.pack("<H", pointer)   # lgdt [pointer]
    code += b"\x0f\x20\xc0" b"\x0c\x01" b"\x0f\x22\xc0"    # mov eax, cr0; or al, 1; mov cr0, eax
    code += b"\xea" + struct.pack("<HH", protected, 8)     # jmp 8:protected
    code = code.ljust(real_mode_size, b"\x90")
    code += b"\xb9" + struct.pack("<I", loops)             # mov ecx, loops
    code += b"\x49" b"\x75\xfd"                            # dec ecx; jnz to the dec
    code += b"\xb0" + bytes([EXIT_VALUE]) + b"\xe6\xf4"    # mov al, value; out 0xf4, al
    code += b"\xf4" b"\xeb\xfd"                            # hlt; jmp to the hlt
    code = code.ljust(gdt_offset, b"\0")
    code += struct.pack("<QQQ", 0, _FLAT_CODE, _FLAT_DATA)
    code += struct.pack("<HI", 23, LOAD_ADDRESS + gdt_offset)
    return code.ljust(510, b"\0") + b"\x55\xaa"
