#!/usr/bin/env python3
"""Writes the kernel's symbol table, which panics read, as assembly.

Format: a count (8 bytes); for each function in order of address 4 bytes offset from the kernel's text, 4 bytes offset into
the names; the names, each ended by NUL, demangled and without their argument lists.
"""
import argparse
import subprocess

TEXT_START = "kernel_text_start"
LONGEST_NAME = 100


def functions(nm, image):
    """(address, name) of every function, ascending, one name an address."""
    output = subprocess.run([nm, "--numeric-sort", "--demangle", "--defined-only", image],
                            check=True, capture_output=True, text=True).stdout
    start, found = None, {}
    for line in output.splitlines():
        address, kind, name = line.split(" ", 2)
        if name == TEXT_START:
            start = int(address, 16)
        elif kind in "tTwW" and start is not None:
            found.setdefault(int(address, 16), name)
    return start, sorted(found.items())


def readable(name):
    """The name without its argument list and without marks of compiler clones."""
    name = name.split(" [clone", 1)[0].replace("(anonymous namespace)::", "").replace("shoal::", "")
    depth = 0
    for i, character in enumerate(name):
        if character == "<":
            depth += 1
        elif character == ">":
            depth -= 1
        elif character == "(" and depth == 0 and i > 0:
            name = name[:i]
            break
    return name[:LONGEST_NAME].replace("\\", "").replace('"', "'")


def assembly(start, symbols):
    lines = ['    .section .symbols, "a", @progbits', "    .balign 8",
             "    .global kernel_symbol_count, kernel_symbols, kernel_symbol_names",
             "kernel_symbol_count:", f"    .quad {len(symbols)}", "kernel_symbols:"]
    names, offset = [], 0
    for address, name in symbols:
        text = readable(name)
        lines.append(f"    .long {address - start:#x}, {offset}")
        names.append(f'    .asciz "{text}"')
        offset += len(text.encode()) + 1
    return "\n".join(lines + ["kernel_symbol_names:"] + names) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nm", default="nm")
    parser.add_argument("image")
    parser.add_argument("output")
    arguments = parser.parse_args()
    start, symbols = functions(arguments.nm, arguments.image)
    with open(arguments.output, "w", encoding="utf-8") as file:
        file.write(assembly(start, symbols))


if __name__ == "__main__":
    main()
