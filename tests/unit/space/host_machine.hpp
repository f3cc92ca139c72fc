// The machine below kernel/core/space/ on the host: frames in an arena, one TLB model a CPU, mail without a scheduler.
//
// The calling thread plays one CPU at a time (play()). A TLB keeps what it has translated until it is told to forget it, so
// that a flush which is missing shows as a stale translation.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "kernel/core/mail/mailbox.hpp"
#include "kernel/core/space/cpu_spaces.hpp"
#include "kernel/core/space/walk.hpp"

namespace shoal::kernel::space::test {

// Where the tests' spaces begin, and their slots.
inline constexpr VirtualAddress kBase{0x4000'0000};
inline constexpr SpaceSlot kVm{0}, kA{1}, kB{2};

class Tlb {
  public:
    void load(machine::Root root, machine::TlbLoad load);
    void flush_page(VirtualAddress address) { cached_.erase({tag(), address.page_down().raw()}); }
    // As a user access does: from the cache, or by a walk that fills it. 0: page fault.
    PhysicalAddress translate(VirtualAddress address, Access access);
    [[nodiscard]] machine::Root root() const { return root_; }
    uint64_t loads = 0, flushes = 0;

  private:
    struct Cached {
        PhysicalAddress frame;
        bool writable;
    };
    [[nodiscard]] uint64_t tag() const { return root_.tag; }
    machine::Root root_;
    std::map<std::pair<uint64_t, uint64_t>, Cached> cached_;
};

struct HostCpu {
    explicit HostCpu(CpuId id) : locks(id) {}
    LockContext locks;
    Tlb tlb;
    Mailbox mailbox;
    std::atomic<uint32_t> interrupts{0};
    std::vector<Message> received;  // by the worker
};

enum class Tags : uint8_t { Absent, Present };

// A machine of its own; one at a time.
class HostMachine {
  public:
    static constexpr uint64_t kAreas = 8, kArenaBytes = kAreas * kLeafSize;

    HostMachine(uint32_t cpus, uint32_t slots, Tags tags, uint16_t tag_numbers = TagAllocator::kTags);
    ~HostMachine();

    CpuSpaces& on(uint32_t cpu) { return shared.on(CpuId::from(cpu)); }
    HostCpu& host(uint32_t cpu) { return *cpus[cpu]; }
    // The calling thread is that CPU from here on.
    void play(uint32_t cpu);
    // Interrupts are let in: mail is handled.
    void interrupt(uint32_t cpu);
    // A 4 KiB frame that nobody else has; not of the areas lent to the kernel.
    PhysicalAddress frame();
    PhysicalAddress area(uint64_t index) const { return PhysicalAddress{kLeafSize * (index + 1)}; }
    static void set(PhysicalAddress table, unsigned index, uint64_t entry) {
        PageTable::at(table).store(index, PageEntry{entry});
    }

    TablePool pool{64};
    std::vector<SharedSpace> spaces;
    std::vector<std::vector<RootSlot>> roots;
    SharedSpaces shared;
    std::vector<std::unique_ptr<HostCpu>> cpus;

  private:
    uint64_t next_frame_ = kLeafSize * 5;  // areas 0..3 are for the kernel
    CpuSpaces* cpu_spaces_ = nullptr;
};

inline ProcessId process(uint32_t slot, uint16_t generation = 1) { return ProcessId::of(slot, generation); }
inline constexpr uint64_t kUserEntry = PageEntry::kPresent | PageEntry::kUser;

}  // namespace shoal::kernel::space::test
