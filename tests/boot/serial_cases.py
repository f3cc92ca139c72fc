"""Serial ports: the second one, by the firmware's table SPCR or by the boot line; registers in memory; a table that is wrong."""
from pathlib import Path

import spcr_table
from shoal.guest import Ending, Outcome
from shoal.testing.boot_case import BootCase, ImageFacts, ends_well

_COM2_IS_CONSOLE = ["-serial", "null", "-serial", "chardev:console"]
_ISA_IS_CONSOLE = ["-serial", "null", "-device", "isa-serial,iobase=0x3e0,irq=5,chardev=console"]
_COM2, _NOBODY = 0x2F8, 0x2E0

# A file that the machine sees as memory stands for a 16550 with a transmitter that is always ready: it keeps what was written
# to each register last.
_UART_AT, _UART_MEMORY, _REGISTER_BYTES = 0x1_4000_0000, 2 << 20, 4
_DATA, _LINE_CONTROL, _LINE_STATUS = 0, 3, 5
_EIGHT_NONE_ONE, _IDLE = 0x03, 0x60


def cases(facts: ImageFacts) -> list[BootCase]:
    if not facts.has("hello"):
        return []
    start = ["rs.program=hello"]
    spcr = {"program": "hello", "timeout": 90, "extra": spcr_table.ARGUMENTS}
    return [
        BootCase("serial/com2-by-spcr", start, files={"spcr": spcr_table.body(_COM2, speed=57600)}, serial=_COM2_IS_CONSOLE, **spcr),
        BootCase("serial/com2-by-spcr-uefi", start, uefi=True, files={"spcr": spcr_table.body(_COM2, speed=0)},
                 serial=_COM2_IS_CONSOLE, **spcr),
        BootCase("serial/spcr-of-nothing", start, files={"spcr": spcr_table.body(_NOBODY)}, **spcr),
        BootCase("serial/com2-by-option", [*start, "console=com2,9600"], serial=_COM2_IS_CONSOLE, program="hello", timeout=90),
        BootCase("serial/any-port-by-option", [*start, "console=0x3e0"], serial=_ISA_IS_CONSOLE, program="hello", timeout=90),
        BootCase("serial/option-before-spcr", [*start, "console=com1"], files={"spcr": spcr_table.body(_COM2)}, **spcr),
        _in_memory(start),
    ]


def _in_memory(start: list[str]) -> BootCase:
    uart = bytearray(_UART_MEMORY)
    uart[_LINE_STATUS * _REGISTER_BYTES] = _IDLE
    table = spcr_table.body(_UART_AT, spcr_table.MEMORY, register_bytes=_REGISTER_BYTES)
    return BootCase("serial/registers-in-memory", [*start, "end=wait"], program="hello", timeout=90, check=_was_ended,
                    at_tick=_port_was_used, files={"spcr": table, "uart": bytes(uart)}, extra=[
                        *spcr_table.ARGUMENTS, "-m", "1G,slots=1,maxmem=8G",
                        "-object", f"memory-backend-file,id=uart,mem-path={{folder}}/uart,share=on,size={_UART_MEMORY}",
                        "-device", f"pc-dimm,memdev=uart,addr={_UART_AT:#x}"])


def _port_was_used(folder: Path, _console: list[str]) -> bool:
    """Text has gone to it, up to the end of a line, and the line was set; its other registers are as they were."""
    with open(folder / "uart", "rb") as file:
        registers = file.read(8 * _REGISTER_BYTES)[::_REGISTER_BYTES]
    return (registers[_DATA] == ord("\n") and registers[_LINE_CONTROL] == _EIGHT_NONE_ONE
            and registers[_LINE_STATUS] == _IDLE)


def _was_ended(outcome: Outcome) -> str:
    if outcome.ending is not Ending.FINISHED:
        return f"nothing was written to the registers in memory: {outcome.describe()}"
    return "" if not any("end status" in line for line in outcome.lines) else "the text went to COM1 too"
