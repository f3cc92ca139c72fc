// The CPU-local window: the last 1 GiB of the address space, mapped by each CPU's own tables to its own frames
// (docs/decisions/0002). Between any two pieces lies an unmapped guard page, so that a stack that overflows faults at once.
// Read by assembly and C++.
#pragma once

#define SHOAL_LOCAL_BASE 0xffffffffc0000000
#define SHOAL_LOCAL_PAGE (SHOAL_LOCAL_BASE + 0x1000)        /* struct CpuLocal */
#define SHOAL_DESCRIPTORS_PAGE (SHOAL_LOCAL_BASE + 0x3000)  /* IDT: one frame for all CPUs, read-only here */
#define SHOAL_KERNEL_STACK (SHOAL_LOCAL_BASE + 0x5000)
#define SHOAL_KERNEL_STACK_BYTES 0x4000
#define SHOAL_KERNEL_STACK_TOP (SHOAL_KERNEL_STACK + SHOAL_KERNEL_STACK_BYTES)
/* Interrupt stacks 1..4 of the TSS; each 8 KiB, after a guard page. */
#define SHOAL_INTERRUPT_STACK_BYTES 0x2000
#define SHOAL_INTERRUPT_STACK(n) (SHOAL_LOCAL_BASE + 0xa000 + ((n) - 1) * 0x3000)
#define SHOAL_INTERRUPT_STACK_TOP(n) (SHOAL_INTERRUPT_STACK(n) + SHOAL_INTERRUPT_STACK_BYTES)
#define SHOAL_STACK_OF_NMI 1
#define SHOAL_STACK_OF_DOUBLE_FAULT 2
#define SHOAL_STACK_OF_MACHINE_CHECK 3
#define SHOAL_STACK_OF_DEBUG 4
#define SHOAL_INTERRUPT_STACKS 4

/* Offsets in struct CpuLocal. */
#define SHOAL_LOCAL_CURRENT 0
#define SHOAL_LOCAL_USER_STACK 16
#define SHOAL_LOCAL_RSP0 56
