// Where a processor begins after the startup interrupt: real mode, CS = page << 8, everything else undefined.
//
// The code between trampoline_begin and trampoline_end is copied to the page; it finds its data there through EBX. All processors
// run it at once: it writes nothing.

#include "kernel/smp/local/layout.h"
#include "kernel/smp/startup/trampoline.h"

#define CR0_PROTECTED 1
#define CR0_CACHES_OFF 0x60000000      /* CD, NW: as reset leaves them */
#define CR0_PAGING_AND_WRITE_PROTECT 0x80010000
#define CR4_PHYSICAL_EXTENSION 0x20
#define EFER 0xc0000080
#define EFER_LONG_MODE_AND_NO_EXECUTE 0x900

    .section .rodata.trampoline, "a", @progbits
    .globl trampoline_begin, trampoline_end, trampoline_protected, trampoline_long
    .balign 16
    .code16
trampoline_begin:
    cli
    cld
    movw %cs, %ax
    movw %ax, %ds
    movzwl %ax, %ebx
    shll $4, %ebx
    lgdtl SHOAL_TRAMPOLINE_GDTR
    movl %cr0, %eax
    andl $~CR0_CACHES_OFF, %eax
    orl $CR0_PROTECTED, %eax
    movl %eax, %cr0
    ljmpl *SHOAL_TRAMPOLINE_FAR32

    .code32
trampoline_protected:
    movw $SHOAL_TRAMPOLINE_DATA, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movl $CR4_PHYSICAL_EXTENSION, %eax
    movl %eax, %cr4
    movl SHOAL_TRAMPOLINE_ROOT(%ebx), %eax
    movl %eax, %cr3
    movl $EFER, %ecx
    xorl %edx, %edx
    movl $EFER_LONG_MODE_AND_NO_EXECUTE, %eax
    wrmsr
    movl %cr0, %eax
    orl $CR0_PAGING_AND_WRITE_PROTECT, %eax
    movl %eax, %cr0
    ljmpl *SHOAL_TRAMPOLINE_FAR64(%ebx)

    .code64
trampoline_long:
    movl %ebx, %ebx                     // the upper half is undefined after the change of mode
    movq SHOAL_TRAMPOLINE_ENTRY(%rbx), %rax
    jmpq *%rax
trampoline_end:

// In the kernel's image, on boot's tables, without a stack: finds the processor's own place by its APIC id.
    .section .text.trampoline, "ax", @progbits
    .globl processor_entry
processor_entry:
    movl startup_id_leaf, %eax
    movl %eax, %esi
    xorl %ecx, %ecx
    cpuid
    cmpl $1, %esi
    jne 1f
    movl %ebx, %edx                     // leaf 1: the id in EBX 31..24; leaf 0Bh: in EDX
    shrl $24, %edx
1:  movq startup_processors, %rdi
    movl startup_count, %ecx
2:  testl %ecx, %ecx
    jz not_ours
    cmpl %edx, SHOAL_PROCESSOR_APIC_ID(%rdi)
    je 3f
    addq $SHOAL_PROCESSOR_BYTES, %rdi
    decl %ecx
    jmp 2b
3:  movq SHOAL_PROCESSOR_ROOT(%rdi), %rax
    movq %rax, %cr3
    movq $SHOAL_KERNEL_STACK_TOP, %rsp
    xorl %ebp, %ebp
    call processor_main                 // (Processor&), does not return
not_ours:
    cli
    hlt
    jmp not_ours

// [[noreturn]] void continue_on(uint64_t root, void (*function)(void*), void* argument): on the CPU's own tables and stack.
    .globl continue_on_own_stack
continue_on_own_stack:
    movq %rdi, %cr3
    movq $SHOAL_KERNEL_STACK_TOP, %rsp
    xorl %ebp, %ebp
    movq %rdx, %rdi
    call *%rsi
    ud2

    .section .note.GNU-stack, "", @progbits
