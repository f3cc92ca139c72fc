// The symbol table of the first link: empty. make_symbols.py describes the format.
    .section .symbols, "a", @progbits
    .balign 8
    .global kernel_symbol_count
kernel_symbol_count:
    .quad 0
    .global kernel_symbols
kernel_symbols:
    .global kernel_symbol_names
kernel_symbol_names:
    .byte 0
