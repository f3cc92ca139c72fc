// The Multiboot2 header (Multiboot2 2.0, 3.1): by it GRUB knows the kernel, on BIOS and UEFI machines alike.
// Without the tag for EFI boot services GRUB leaves them and enters us in 32-bit protected mode in both cases.

    .set MAGIC, 0xe85250d6
    .set ARCHITECTURE_I386, 0
    .set TAG_REQUEST, 1
    .set TAG_ENTRY, 3
    .set TAG_FRAMEBUFFER, 5
    .set TAG_MODULE_ALIGNMENT, 6
    .set OPTIONAL, 1

    .section .boot.header, "a", @progbits
    .balign 8
header:
    .long MAGIC, ARCHITECTURE_I386, header_end - header
    .long -(MAGIC + ARCHITECTURE_I386 + (header_end - header))

    // Memory map (6) and module (3), without which there is nothing to run.
    .balign 8
    .short TAG_REQUEST, 0
    .long 16
    .long 6, 3

    // Command line, framebuffer, old and new RSDP, EFI memory map: used where the loader has them.
    .balign 8
request_optional:
    .short TAG_REQUEST, OPTIONAL
    .long request_optional_end - request_optional
    .long 1, 8, 14, 15, 17
request_optional_end:

    .balign 8
    .short TAG_ENTRY, 0
    .long 12
    .long boot_entry

    // Any mode; text where there are no graphics.
    .balign 8
    .short TAG_FRAMEBUFFER, OPTIONAL
    .long 20
    .long 1024, 768, 32

    .balign 8
    .short TAG_MODULE_ALIGNMENT, 0
    .long 8

    .balign 8
    .short 0, 0
    .long 8
header_end:
