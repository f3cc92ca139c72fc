#include "bench/sim/model/line_directory.hpp"

#include <sys/mman.h>

namespace shoal::sim {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr unsigned kOwnerBits = 8;
constexpr uint64_t kOwnerMask = (1 << kOwnerBits) - 1;

// A queue longer than this is a stamp from before the clocks last met.
constexpr uint64_t kLongestQueue = 100;

constexpr uint64_t stamp(uint64_t end, uint64_t owner) { return end << kOwnerBits | owner; }

}  // namespace

LineDirectory::~LineDirectory() {
    if (lines_ != nullptr) munmap(lines_, count_ * sizeof(Line));
}

bool LineDirectory::reserve(uint64_t bytes) {
    const uint64_t count = bytes / kLineBytes;
    // Zero pages: nobody has any line. Not reserved, as most of a guest's memory is never touched.
    void* memory = mmap(nullptr, count * sizeof(Line), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) return false;
    lines_ = static_cast<Line*>(memory);
    count_ = count;
    return true;
}

LineAccess LineDirectory::access(unsigned core, uint64_t address, AccessKind kind, uint64_t now) {
    const uint64_t index = address / kLineBytes;
    if (index >= count_) return {};
    Line& line = lines_[index];
    const uint64_t me = uint64_t{1} << core;
    const uint64_t sharers = line.sharers.load(kRelaxed), transfer = line.transfer.load(kRelaxed);
    const bool hit = kind == AccessKind::Store
                         ? sharers == me && (transfer & kOwnerMask) == core + 1
                         : (sharers & me) != 0;
    if (hit) return {};
    if (sharers != 0 && sharers != me) return miss(line, core, kind, now, transfer);

    const bool cold = sharers == 0;
    const uint64_t wait = cold ? charges_.cold_line : 0;
    line.sharers.store(me, kRelaxed);
    line.transfer.store(stamp(now + wait, kind == AccessKind::Store ? core + 1 : 0), kRelaxed);
    return {cold ? LineEvent::Cold : LineEvent::Hit, wait};
}

// Transfers of one line follow one another: who comes while one is under way waits for its end first, so that a line which many
// cores want costs more with each of them.
LineAccess LineDirectory::miss(Line& line, unsigned core, AccessKind kind, uint64_t now,
                               uint64_t transfer) const {
    const uint64_t me = uint64_t{1} << core, free_at = transfer >> kOwnerBits;
    const bool queued =
        free_at > now && free_at < now + kLongestQueue * charges_.remote_line;
    const uint64_t end = (queued ? free_at : now) + charges_.remote_line;
    if (kind == AccessKind::Store) {
        line.sharers.store(me, kRelaxed);
        line.transfer.store(stamp(end, core + 1), kRelaxed);
        return {LineEvent::WriteMiss, end - now};
    }
    line.sharers.fetch_or(me, kRelaxed);
    const bool owned = (transfer & kOwnerMask) != 0;
    if (!owned) return {LineEvent::ReadMiss, charges_.remote_line};  // copies are served side by side
    line.transfer.store(stamp(end, 0), kRelaxed);
    return {LineEvent::ReadMiss, end - now};
}

}  // namespace shoal::sim
