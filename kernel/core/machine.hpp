// The thin interface below the kernel core. kernel/smp implements it on the machine, tests/support on the host.
//
// Every function runs on the calling CPU with interrupts off. The entry points by which the machine calls the core are in
// kernel/core/entry.hpp.
#pragma once

#include <cstdint>

#include "base/address.hpp"
#include "base/cpu.hpp"
#include "base/strong.hpp"

namespace shoal::kernel {
struct Thread;
class Cpu;  // the core's state of one CPU
}

namespace shoal::kernel::machine {

// The core's object of this CPU; a load from the CPU-local page.
Cpu& this_cpu();
Cpu& cpu(CpuId id);
uint32_t cpu_count();

// Nanoseconds since boot, from the invariant TSC, the HPET or the ACPI timer; never goes back on one CPU, and by no more
// between two CPUs than the checks at boot allow.
uint64_t now();
// One-shot timer of this CPU; kNoDeadline stops it. A past deadline fires at once.
inline constexpr uint64_t kNoDeadline = ~uint64_t{0};
void set_timer(uint64_t deadline_nanoseconds);

// Inter-processor interrupt: the target leaves user mode or its idle loop and runs entry::on_wake(). Everything stored
// before is visible there.
void wake(CpuId target);

// The kernel's view of any frame (the direct map; the host's arena).
void* frame_pointer(PhysicalAddress address);

// Page-table root that this CPU loads when it leaves to user mode. Roots: a root frame's address plus hints; kernel_root() maps
// the kernel alone. Flush: the load drops every cached translation of that root (always so without PCID).
enum class TlbLoad : uint8_t { Keep, Flush };
struct Root {
    PhysicalAddress table;
    uint16_t tag = 0;  // PCID; 0 where there is none
};
// Both as the machine takes them (CR3): made once, loaded many times. Never 0.
using RootWord = Strong<struct RootWordTag, uint64_t>;
Root kernel_root();
RootWord root_word(Root root, TlbLoad load);
void load_root(RootWord word);
void flush_page(VirtualAddress address);  // of the loaded root (INVLPG)
bool has_tags();                          // PCID in use
// Copies the kernel's half (entries 256..511) into a fresh top-level table for this CPU.
void fill_kernel_half(void* top_level_table);

// FPU state. Threads flagged kNoFpu are not switched.
uint64_t fpu_state_bytes();
void fpu_init(void* state);
void fpu_save(void* state);
void fpu_restore(const void* state);
void fpu_exchange(void* saved, const void* restored);

// Bases of the user's FS and GS. Where programs write them (FSGSBASE) they are saved as well as loaded; elsewhere the kernel knows
// FS, and GS is 0.
struct SegmentBases {
    uint64_t fs = 0;  // thread-local storage
    uint64_t gs = 0;
};
void save_bases(SegmentBases& bases);
void load_bases(const SegmentBases& bases);
void exchange_bases(SegmentBases& saved, const SegmentBases& loaded);

void console_write(const char* text, uint64_t bytes);
// Takes a lent 2 MiB area out of VM's window on every CPU, or puts it back.
void hide_from_window(PhysicalAddress area);
void show_in_window(PhysicalAddress area);

[[noreturn]] void end_system(uint64_t status);

}  // namespace shoal::kernel::machine
