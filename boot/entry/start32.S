// From GRUB's 32-bit protected mode (Multiboot2 2.0, 3.3: EAX magic, EBX information, paging off) to long mode and the
// kernel's place in the top 2 GiB. Runs at physical addresses, position fixed by kernel.ld.
//
// The tables built here live until boot_main() loads its own: the first 4 GiB at 0, at the direct map's base, and the first
// GiB at kKernelBase.

#include "boot/entry/paging_constants.h"

    .section .boot.text, "ax", @progbits
    .code32
    .global boot_entry
boot_entry:
    cli
    cld
    movl $boot_stack_top_low, %esp
    movl %eax, %ebp                 // kept: magic, information
    movl %ebx, %edi
    cmpl $0x36d76289, %ebp
    movl $text_not_multiboot2, %esi
    jne complain
    call check_cpu
    call build_tables
    call enter_long_mode
    lgdt descriptor_table_pointer
    ljmp $CODE64_SELECTOR, $start64

// CPUID, long mode and no-execute pages; what else is missing is found and named by kernel/smp.
check_cpu:
    pushfl
    popl %eax
    movl %eax, %ecx
    xorl $EFLAGS_ID, %eax
    pushl %eax
    popfl
    pushfl
    popl %eax
    cmpl %eax, %ecx
    movl $text_no_cpuid, %esi
    je complain
    movl $0x80000000, %eax
    cpuid
    movl $text_no_long_mode, %esi
    cmpl $0x80000001, %eax
    jb complain
    movl $0x80000001, %eax
    cpuid
    testl $CPUID_LONG_MODE, %edx
    jz complain
    movl $text_no_execute_disable, %esi
    testl $CPUID_NO_EXECUTE, %edx
    jz complain
    ret

build_tables:
    movl $boot_pml4, %eax
    movl $boot_pdpt_low + TABLE, (%eax)
    movl $boot_pdpt_low + TABLE, 256*8(%eax)
    movl $boot_pdpt_high + TABLE, 511*8(%eax)
    movl $boot_directories + TABLE, boot_pdpt_high + 510*8
    movl $boot_directories + TABLE, %eax
    movl $boot_pdpt_low, %ebx
    movl $4, %ecx
1:  movl %eax, (%ebx)
    addl $4096, %eax
    addl $8, %ebx
    loop 1b
    movl $LARGE_PAGE, %eax
    movl $boot_directories, %ebx
    movl $4*512, %ecx
2:  movl %eax, (%ebx)
    addl $0x200000, %eax
    addl $8, %ebx
    loop 2b
    ret

enter_long_mode:
    movl $boot_pml4, %eax
    movl %eax, %cr3
    movl %cr4, %eax
    orl $CR4_PAE, %eax
    movl %eax, %cr4
    movl $MSR_EFER, %ecx
    rdmsr
    orl $EFER_LME | EFER_NXE, %eax
    wrmsr
    movl %cr0, %eax
    orl $CR0_PG | CR0_WP, %eax
    movl %eax, %cr0
    ret

// ESI: what is missing, said on COM1 (the only console that needs no set-up to be tried).
complain:
    movw $0x3f8 + 5, %dx
    movl $0x10000, %ecx             // a port that is not there never gets ready
1:  inb %dx, %al
    testb $0x20, %al
    loopz 1b
    movw $0x3f8, %dx
    lodsb
    testb %al, %al
    jz 2f
    outb %al, %dx
    jmp complain
2:  hlt
    jmp 2b

    .code64
start64:
    movabsq $start_high, %rax
    jmp *%rax

    .section .boot.rodata, "a", @progbits
text_not_multiboot2:
    .asciz "shoal: not started by a Multiboot2 loader\r\n"
text_no_cpuid:
    .asciz "shoal: this CPU has no CPUID instruction; a 64-bit CPU is needed\r\n"
text_no_long_mode:
    .asciz "shoal: this CPU has no 64-bit mode\r\n"
text_no_execute_disable:
    .asciz "shoal: this CPU has no no-execute pages, or the firmware has turned them off\r\n"

    .balign 8
descriptor_table:
    .quad 0
    .quad 0x00af9a000000ffff        // CODE64_SELECTOR: ring 0, long
    .quad 0x00cf92000000ffff        // DATA_SELECTOR
descriptor_table_pointer:
    .short descriptor_table_pointer - descriptor_table - 1
    .long descriptor_table

    .section .boot.bss, "aw", @nobits
    .balign 4096
boot_pml4:
    .skip 4096
boot_pdpt_low:
    .skip 4096
boot_pdpt_high:
    .skip 4096
boot_directories:
    .skip 4 * 4096

    .section .text.boot, "ax", @progbits
start_high:
    movl $DATA_SELECTOR, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    xorl %eax, %eax
    movl %eax, %fs
    movl %eax, %gs
    movq $boot_stack_top, %rsp
    movl %edi, %esi                 // information; 32-bit moves clear the undefined upper halves
    movl %ebp, %edi                 // magic
    xorl %ebp, %ebp                 // ends backtraces
    call boot_main
    ud2

    // The lowest page is unmapped by boot_main(): an overflow faults.
    .section .bss.boot_stack, "aw", @nobits
    .balign 4096
    .global boot_stack_guard
boot_stack_guard:
    .skip 4096
    .skip BOOT_STACK_BYTES
boot_stack_top:
    .set boot_stack_top_low, boot_stack_top - KERNEL_BASE
