#include "kernel/core/space/user_copy.hpp"

#include <algorithm>
#include <cstring>

#include "kernel/core/space/walk.hpp"

namespace shoal::kernel::space {

namespace {

struct Reached {
    void* memory = nullptr;
    CopyResult failure;  // if memory is nullptr
};

Reached reach(PhysicalAddress root, CopyEnd end, Side side) {
    const Access access = side == Side::Source ? Access::Read : Access::Write;
    const Translation found = walk(root, end.address(), access);
    if (found.outcome == Translation::Outcome::Mapped) return {machine::frame_pointer(found.address), {}};
    const auto outcome = found.outcome == Translation::Outcome::Absent ? CopyResult::Outcome::Absent
                                                                       : CopyResult::Outcome::Violation;
    return {nullptr, {outcome, 0, side, end.address(), found.fault_flags}};
}

uint64_t left_in_page(CopyEnd end, uint64_t bytes) {
    return end.is_user() ? std::min(bytes, kPageSize - end.address().page_offset()) : bytes;
}

// Both visits last until the bytes have been moved. `bytes` ends at the end of a page on either side.
CopyResult copy_piece(CpuSpaces& here, CopyEnd to, CopyEnd from, uint64_t bytes) {
    Visit source_visit{here, 0, from.slot()}, destination_visit{here, 1, to.slot()};
    Reached source{from.is_user() ? nullptr : from.buffer(), {}};
    Reached destination{to.is_user() ? nullptr : to.buffer(), {}};
    if (from.is_user()) source = reach(source_visit.root(), from, Side::Source);
    if (source.memory == nullptr) return source.failure;
    if (to.is_user()) destination = reach(destination_visit.root(), to, Side::Destination);
    if (destination.memory == nullptr) return destination.failure;
    std::memmove(destination.memory, source.memory, bytes);
    return {CopyResult::Outcome::Copied, bytes, {}, {}, 0};
}

}  // namespace

CopyResult copy(CpuSpaces& here, CopyEnd to, CopyEnd from, uint64_t bytes, unsigned pieces) {
    if (!to.plausible(bytes) || !from.plausible(bytes)) return {CopyResult::Outcome::Violation, 0, {}, {}, 0};
    uint64_t done = 0;
    for (; done < bytes; --pieces) {
        if (pieces == 0) return {CopyResult::Outcome::Paused, done, {}, {}, 0};
        const CopyEnd source = from.advanced(done), destination = to.advanced(done);
        const uint64_t piece = left_in_page(source, left_in_page(destination, bytes - done));
        CopyResult result = copy_piece(here, destination, source, piece);
        if (result.outcome != CopyResult::Outcome::Copied) {
            result.bytes = done;
            return result;
        }
        done += piece;
        here.serve();
    }
    return {CopyResult::Outcome::Copied, done, {}, {}, 0};
}

}  // namespace shoal::kernel::space
