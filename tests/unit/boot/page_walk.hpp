// Page tables on the host: the frames they are made of, and a walker that reads them as the processor does.
#pragma once

#include <sys/mman.h>

#include <cstdint>

#include "kernel/smp/memory/direct_map.hpp"
#include "kernel/smp/memory/early_frames.hpp"
#include "kernel/smp/memory/page_bits.hpp"

namespace shoal::smp::test {

// Memory of this process as the kernel finds it: at the physical addresses from which its direct map leads to it. Only what the
// code under test touches has to lie here; frames that are merely mapped may have any number.
class TableMemory {
  public:
    explicit TableMemory(uint64_t frames)
        : bytes_(frames * kPageSize),
          start_(mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)) {
        free.add({FrameNumber::of(memory::physical(start_)), frames});
    }
    ~TableMemory() { munmap(start_, bytes_); }
    TableMemory(const TableMemory&) = delete;
    TableMemory& operator=(const TableMemory&) = delete;

    EarlyFrames free;

  private:
    uint64_t bytes_;
    void* start_;
};

struct Walked {
    uint64_t entry = 0;  // 0: nothing is mapped there
    uint64_t bytes = 0;  // of the page
    bool user = true, writable = true;  // on every level
    [[nodiscard]] uint64_t physical(VirtualAddress at) const {
        return (entry & memory::kAddressBits & ~(bytes - 1)) | (at.raw() & (bytes - 1));
    }
};

// SDM vol. 3A, 4.5.4.
inline Walked walk(PhysicalAddress root, VirtualAddress at) {
    Walked found;
    const auto* table = memory::direct<const uint64_t>(root);
    for (unsigned shift = 39;; shift -= 9) {
        const uint64_t entry = table[at.raw() >> shift & 511];
        if ((entry & memory::kPresent) == 0) return {};
        found.user = found.user && (entry & memory::kUser) != 0;
        found.writable = found.writable && (entry & memory::kWritable) != 0;
        if (shift == kPageShift || (entry & memory::kLarge) != 0) {
            found.entry = entry;
            found.bytes = uint64_t{1} << shift;
            return found;
        }
        table = memory::direct<const uint64_t>(PhysicalAddress{entry & memory::kAddressBits});
    }
}

}  // namespace shoal::smp::test
