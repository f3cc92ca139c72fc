/* Constants of SDM vol. 3A (2.2.1, 2.5, 4.5) for start32.S, which cannot read C++ headers. */
#define KERNEL_BASE 0xffffffff80000000
#define BOOT_STACK_BYTES 0x8000

#define EFLAGS_ID (1 << 21)
#define CPUID_LONG_MODE (1 << 29)
#define CPUID_NO_EXECUTE (1 << 20)
#define CR0_PG (1 << 31)
#define CR0_WP (1 << 16)
#define CR4_PAE (1 << 5)
#define MSR_EFER 0xc0000080
#define EFER_LME (1 << 8)
#define EFER_NXE (1 << 11)

#define TABLE 0x3      /* present, writable */
#define LARGE_PAGE 0x83 /* present, writable, 2 MiB */

#define CODE64_SELECTOR 0x08
#define DATA_SELECTOR 0x10
