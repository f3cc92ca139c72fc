// What entry.S knows of C++: offsets in kernel::Registers and Thread (checked in entry/interrupts.cpp), and the mangled names of
// the functions that it calls directly, so that no C shim lies between. A changed signature does not link.
#pragma once

#define SHOAL_REGISTERS_BYTES 176
#define SHOAL_REGISTERS_VECTOR 120
#define SHOAL_REGISTERS_ERROR 128
#define SHOAL_REGISTERS_RIP 136
#define SHOAL_REGISTERS_CS 144
#define SHOAL_REGISTERS_RFLAGS 152
#define SHOAL_REGISTERS_RSP 160
#define SHOAL_THREAD_REGISTERS 0

#define SHOAL_ENTERED_BY_SYSCALL -1
#define SHOAL_TRAP_VECTOR 0x80
#define SHOAL_PAGE_FAULT 14
#define SHOAL_SPURIOUS_8259 0x27 /* the first one's line 7 */
#define SHOAL_SPURIOUS_APIC 0xff

#define SHOAL_IDLE_LOOKS 1000 /* at a CPU's mailbox before it halts: 10 to 50 us, as PAUSE takes 10 to 140 cycles */

/* Flags with which SYSRET is not fit to leave: TF (its trap) and RF (SYSRET clears it). */
#define SHOAL_FLAGS_FOR_IRET 0x10100

#ifdef __ASSEMBLER__
#define on_syscall _ZN5shoal6kernel5entry10on_syscallERNS0_6ThreadE
#define on_page_fault _ZN5shoal6kernel5entry13on_page_faultERNS0_6ThreadENS_14VirtualAddressEm
#define next_thread _ZN5shoal6kernel5entry11next_threadEv
#define begin_to_listen _ZN5shoal6kernel5entry15begin_to_listenEv
#define may_halt _ZN5shoal6kernel5entry8may_haltEv
#endif
