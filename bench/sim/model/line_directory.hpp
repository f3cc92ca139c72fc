// Which core has which cache line, as a directory of a machine whose caches are large and whose cores are all equally far from
// each other: MESI's states, without evictions.
//
// Two cores that meet on a line at the same instant of real time may overwrite each other's note. The window of the clocks is
// wider than that instant, so the result is one of the orders that could have been.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "bench/sim/model/charges.hpp"

namespace shoal::sim {

enum class AccessKind : uint8_t { Load, Store };
enum class LineEvent : uint8_t { Hit, Cold, ReadMiss, WriteMiss };

struct LineAccess {
    LineEvent event = LineEvent::Hit;
    uint64_t wait = 0;  // cycles
};

class LineDirectory {
  public:
    static constexpr unsigned kLineBytes = 64;

    explicit LineDirectory(const Charges& charges) : charges_(charges) {}
    ~LineDirectory();
    LineDirectory(const LineDirectory&) = delete;
    LineDirectory& operator=(const LineDirectory&) = delete;

    // For memory of so many bytes. False if the host has no room.
    bool reserve(uint64_t bytes);

    // Core `core` touches physical address `address` at its time `now`. Addresses beyond the reservation always hit.
    LineAccess access(unsigned core, uint64_t address, AccessKind kind, uint64_t now);

  private:
    struct Line {
        std::atomic<uint64_t> sharers;   // a bit a core
        std::atomic<uint64_t> transfer;  // when its last transfer ends << 8 | core that has it alone + 1, or 0
    };
    LineAccess miss(Line& line, unsigned core, AccessKind kind, uint64_t now,
                    uint64_t transfer) const;

    const Charges& charges_;
    Line* lines_ = nullptr;
    uint64_t count_ = 0;
};

}  // namespace shoal::sim
