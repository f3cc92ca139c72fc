// Entry to and exit from the kernel (SDM vol. 2B SYSCALL and SYSRET, vol. 3A 6.14).
//
// The user's registers are pushed straight into the current thread's kernel::Registers: TSS.RSP0 points at their end, so an
// interrupt's frame lands there by itself, and SYSCALL loads RSP from the same word. Then the one kernel stack of this CPU is
// taken from its top. The kernel never returns into an interrupted kernel; each entry ends in `leave`.
//
// A system call costs 26 instructions into C++ and 27 out of it, the call and the SYSRET included.

#include "kernel/smp/entry/offsets.h"
#include "kernel/smp/local/layout.h"
#include "kernel/smp/x86/segments.hpp"

#define CURRENT SHOAL_LOCAL_PAGE + SHOAL_LOCAL_CURRENT
#define USER_STACK SHOAL_LOCAL_PAGE + SHOAL_LOCAL_USER_STACK
#define RSP0 SHOAL_LOCAL_PAGE + SHOAL_LOCAL_RSP0

// General registers in the order of kernel::Registers; RSP is just above or at them.
.macro push_registers
    pushq %rdi
    pushq %rsi
    pushq %rdx
    pushq %rcx
    pushq %rax
    pushq %r8
    pushq %r9
    pushq %r10
    pushq %r11
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
.endm

.macro pop_registers
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    popq %r11
    popq %r10
    popq %r9
    popq %r8
    popq %rax
    popq %rcx
    popq %rdx
    popq %rsi
    popq %rdi
.endm

// What a system call keeps: all but RCX and R11. CS, SS and the error code of its frame are those that the frame was made with:
// a thread has no others.
.macro move_to_frame register, offset
    movq %\register, \offset(%rsp)
.endm
.macro move_from_frame register, offset
    movq \offset(%rsp), %\register
.endm
.macro for_each_kept move
    \move rdi, 112
    \move rsi, 104
    \move rdx, 96
    \move rax, 80
    \move r8, 72
    \move r9, 64
    \move r10, 56
    \move rbx, 40
    \move rbp, 32
    \move r12, 24
    \move r13, 16
    \move r14, 8
    \move r15, 0
.endm

// Clears what an interrupt gate leaves as the user had it: AC (which would lift SMAP), DF, NT, IOPL.
.macro clear_flags
    pushq $2
    popfq
.endm

// From user mode, registers pushed: onto the kernel stack.
.macro take_kernel_stack
    movq $SHOAL_KERNEL_STACK_TOP, %rsp
    clear_flags
    xorl %ebp, %ebp                     // ends backtraces
    movq CURRENT, %rdi
.endm

    .section .text.entry, "ax", @progbits

// --- SYSCALL -------------------------------------------------------------------------------------------------------------
// RSP is the user's until the second instruction; FMASK has cleared IF, and an NMI or machine check here has a stack of its
// own. RCX and R11 hold RIP and RFLAGS, and are not kept.
    .globl entry_syscall
    .balign 64
entry_syscall:
    movq %rsp, USER_STACK
    movq RSP0, %rsp
    subq $SHOAL_REGISTERS_BYTES, %rsp
    movq %rcx, SHOAL_REGISTERS_RIP(%rsp)
    movq USER_STACK, %rcx
    movq %r11, SHOAL_REGISTERS_RFLAGS(%rsp)
    movq %rcx, SHOAL_REGISTERS_RSP(%rsp)
    movq $SHOAL_ENTERED_BY_SYSCALL, SHOAL_REGISTERS_VECTOR(%rsp)
    for_each_kept move_to_frame
    movq $SHOAL_KERNEL_STACK_TOP, %rsp
    xorl %ebp, %ebp
    movq CURRENT, %rdi
    call on_syscall
    testq %rax, %rax
    jnz leave_to                        // falls into leave otherwise

// --- Leaving -------------------------------------------------------------------------------------------------------------
// On the kernel stack's top, interrupts off.
    .globl entry_leave
entry_leave:
    call next_thread
    testq %rax, %rax
    jz idle
leave_to:
    movq %rax, CURRENT
    leaq SHOAL_THREAD_REGISTERS + SHOAL_REGISTERS_BYTES(%rax), %rcx
    movq %rcx, RSP0
    leaq SHOAL_THREAD_REGISTERS(%rax), %rsp
    cmpq $SHOAL_ENTERED_BY_SYSCALL, SHOAL_REGISTERS_VECTOR(%rsp)
    jne leave_by_iret
    movq SHOAL_REGISTERS_RIP(%rsp), %rcx
    movq %rcx, %r11
    shrq $47, %r11                      // not canonical, or not the user's: SYSRET would fault in ring 0
    jnz leave_by_iret
    testl $SHOAL_FLAGS_FOR_IRET, SHOAL_REGISTERS_RFLAGS(%rsp)
    jnz leave_by_iret
    for_each_kept move_from_frame
    movq SHOAL_REGISTERS_RFLAGS(%rsp), %r11
    movq SHOAL_REGISTERS_RSP(%rsp), %rsp
    sysretq

leave_by_iret:
    pop_registers
    addq $16, %rsp                      // vector, error
    iretq

// next_thread() found nothing, with interrupts off. Whoever waits for an answer from another CPU gets it within few microseconds:
// for so long the mailbox is watched (docs/decisions/0016). Then an interrupt that arrives after the CLI waits until the HLT: STI
// holds it off for one instruction (SDM vol. 2B, STI), so no wake is lost. Interrupts do not come back here; an NMI does.
idle:
    movq $0, CURRENT
    call begin_to_listen                // RAX: the word to watch; RDX: what it is until mail comes
    testq %rax, %rax
    jz entry_leave
    movl $SHOAL_IDLE_LOOKS, %ecx
    .globl entry_idle_begin
entry_idle_begin:
    sti
look:
    cmpq %rdx, (%rax)
    jne idle_over
    pause
    decl %ecx
    jnz look
    cli
    call may_halt
    testb %al, %al
    jz entry_leave
    sti
    hlt
    .globl entry_idle_end
entry_idle_end:
idle_over:
    cli
    jmp entry_leave

// --- Page fault ----------------------------------------------------------------------------------------------------------
    .balign 64
page_fault:
    testb $3, 16(%rsp)
    jz page_fault_of_kernel
    pushq $SHOAL_PAGE_FAULT
    push_registers
    movq %cr2, %rsi
    movq SHOAL_REGISTERS_ERROR(%rsp), %rdx
    take_kernel_stack
    call on_page_fault
    testq %rax, %rax
    jnz leave_to
    jmp entry_leave
page_fault_of_kernel:
    pushq $SHOAL_PAGE_FAULT
    jmp from_kernel

// --- INT 0x80 ------------------------------------------------------------------------------------------------------------
    .balign 16
trap:
    pushq $0
    pushq $SHOAL_TRAP_VECTOR
    push_registers
    take_kernel_stack
    call on_syscall
    testq %rax, %rax
    jnz leave_to
    jmp entry_leave

// --- Other exceptions and interrupts -------------------------------------------------------------------------------------
// Vector and error code pushed.
    .balign 16
interrupt:
    testb $3, SHOAL_REGISTERS_CS - SHOAL_REGISTERS_VECTOR(%rsp)
    jz from_kernel
    push_registers
    movq %rsp, %rsi
    take_kernel_stack
    call interrupt_of_user              // (Thread&, Registers&)
    jmp entry_leave

// An interrupt that ended the idle loop, which is left for good; one in entry_take_interrupts, which goes on; or an exception in
// the kernel, which is a panic.
from_kernel:
    push_registers
    movq %rsp, %rdi
    movq %rsp, %rbx
    andq $-16, %rsp
    clear_flags
    call interrupt_of_kernel            // (Registers&) -> true: goes on where it was
    testb %al, %al
    jnz back_to_kernel
    movq $SHOAL_KERNEL_STACK_TOP, %rsp
    xorl %ebp, %ebp
    jmp entry_leave
back_to_kernel:
    movq %rbx, %rsp
    pop_registers
    addq $16, %rsp
    iretq

// For the self-tests: the vectors that old and new interrupt controllers give where no interrupt is left to give.
    .globl entry_raise_spurious
entry_raise_spurious:
    int $SHOAL_SPURIOUS_8259
    .globl entry_window_begin
entry_window_begin:
    int $(SHOAL_SPURIOUS_8259 + 8)
    int $SHOAL_SPURIOUS_APIC
    ret

// Takes what interrupts are pending. For the self-tests: besides the idle loop the only place where the kernel has them on.
    .globl entry_take_interrupts
entry_take_interrupts:
    sti
    nop
    nop
    nop
    .globl entry_window_end
entry_window_end:
    cli
    ret

// NMI, #DF, #MC, #DB: on a stack of their own, in whatever state the CPU was. Nothing here may fault, which would allow nested
// NMIs.
    .balign 16
on_own_stack:
    push_registers
    clear_flags
    movq %rsp, %rdi
    call exception_on_own_stack         // (Registers&) -> true: go on as an exception of the current thread
    testb %al, %al
    jnz exception_of_current
    pop_registers
    addq $16, %rsp
    iretq
exception_of_current:
    movq RSP0, %rsi
    subq $SHOAL_REGISTERS_BYTES, %rsi
    take_kernel_stack
    call interrupt_of_user
    jmp entry_leave

// --- Stubs, 16 bytes each: entry_stubs + 16 * vector ----------------------------------------------------------------------
.macro stub vector
    .balign 16
    .if \vector == 1 || \vector == 2 || \vector == 18
        pushq $0
        pushq $\vector
        jmp on_own_stack
    .elseif \vector == 8
        pushq $\vector
        jmp on_own_stack
    .elseif \vector == SHOAL_PAGE_FAULT
        jmp page_fault
    .elseif \vector == SHOAL_TRAP_VECTOR
        jmp trap
    .elseif (\vector >= 10 && \vector <= 13) || \vector == 17 || \vector == 21 || \vector == 29 || \vector == 30
        pushq $\vector
        jmp interrupt
    .else
        pushq $0
        pushq $\vector
        jmp interrupt
    .endif
.endm

    .globl entry_stubs
    .balign 16
entry_stubs:
    .altmacro                           // %number passes the value that it has now
    .set number, 0
    .rept 256
        stub %number
        .set number, number + 1
    .endr
    .noaltmacro

    .section .note.GNU-stack, "", @progbits
