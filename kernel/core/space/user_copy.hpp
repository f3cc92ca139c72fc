// The one routine that touches user memory.
//
// At most one page per piece: both ends are walked in this CPU's tables of their spaces, checked at every level, and copied
// through the kernel's view of the frames. No frame address outlives its piece (docs/decisions/0003).
#pragma once

#include "kernel/core/space/cpu_spaces.hpp"

namespace shoal::kernel::space {

// One end of a copy: user memory of a space, or a buffer of the kernel's.
class CopyEnd {
  public:
    static CopyEnd user(SpaceSlot slot, VirtualAddress address) { return {slot, address.raw()}; }
    static CopyEnd kernel(const void* buffer) { return {kNoSpace, reinterpret_cast<uint64_t>(buffer)}; }

    [[nodiscard]] bool is_user() const { return slot_ != kNoSpace; }
    [[nodiscard]] SpaceSlot slot() const { return slot_; }
    [[nodiscard]] VirtualAddress address() const { return VirtualAddress{at_}; }
    [[nodiscard]] void* buffer() const { return reinterpret_cast<void*>(at_); }  // NOLINT: only of kernel()
    [[nodiscard]] CopyEnd advanced(uint64_t bytes) const { return {slot_, at_ + bytes}; }
    // False if the user range leaves user space or wraps.
    [[nodiscard]] bool plausible(uint64_t bytes) const {
        return !is_user() || (bytes <= kUserTop && at_ <= kUserTop - bytes);
    }

  private:
    CopyEnd(SpaceSlot slot, uint64_t at) : slot_(slot), at_(at) {}
    SpaceSlot slot_;
    uint64_t at_;
};

enum class Side : uint8_t { Source, Destination };

struct CopyResult {
    enum class Outcome : uint8_t {
        Copied,
        Absent,     // `side` misses `address`: VM may help
        Violation,  // never possible
        Paused,     // the budget of pieces is used up; go on with the rest
    };
    Outcome outcome = Outcome::Copied;
    uint64_t bytes = 0;          // copied before that
    Side side = Side::Source;
    VirtualAddress address;      // Absent: the first byte missed
    uint64_t fault_flags = 0;    // Absent: FaultFlags
};

// Copies `bytes` from one end to the other, at most `pieces` pages; what other CPUs have posted is served after each piece.
CopyResult copy(CpuSpaces& here, CopyEnd to, CopyEnd from, uint64_t bytes, unsigned pieces);

// Pieces between two moments with interrupts on: 128 KiB, some 20 microseconds.
inline constexpr unsigned kMostPieces = 32;
inline constexpr unsigned kUnlimitedPieces = ~0u;

}  // namespace shoal::kernel::space
