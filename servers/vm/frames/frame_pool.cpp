#include "servers/vm/frames/frame_pool.hpp"

#include <new>

namespace shoal::vm {
namespace {

constexpr uint64_t kFramesPerTree = uint64_t{kFramesPerArea} * kAreasPerTree;

constexpr uint64_t origin_of(FrameRange span) {
    return span.first.raw() & ~uint64_t{kFramesPerArea - 1};
}
constexpr uint64_t trees_for(FrameRange span) {
    return (span.end().raw() - origin_of(span) + kFramesPerTree - 1) / kFramesPerTree;
}

}  // namespace

// In memory: the object, padded to a line; trees; bits of all areas.
uint64_t FramePool::bytes_for(FrameRange span) {
    static_assert(sizeof(FramePool) <= kCacheLine);
    return kCacheLine + trees_for(span) * (sizeof(FrameTree) + kAreasPerTree * sizeof(AreaBits));
}

FramePool* FramePool::create(void* memory, FrameTable table) {
    auto* pool = new (memory) FramePool(table, static_cast<uint32_t>(trees_for(table.span())));
    for (uint32_t i = 0; i < pool->trees_; ++i) new (&pool->tree(i)) FrameTree;
    for (uint32_t i = 0; i < pool->areas(); ++i) new (&pool->bits(i)) AreaBits;
    return pool;
}

FramePool::FramePool(FrameTable table, uint32_t trees)
    : table_(table), origin_(origin_of(table.span())), trees_(trees) {}

FramePool::Place FramePool::place_of(FrameNumber frame) const {
    const uint64_t offset = frame.raw() - origin_;
    return {static_cast<uint32_t>(offset / kFramesPerArea),
            static_cast<uint32_t>(offset % kFramesPerArea)};
}

FrameNumber FramePool::frame_at(uint32_t area, uint32_t index) const {
    return FrameNumber{origin_ + uint64_t{area} * kFramesPerArea + index};
}

FrameTree& FramePool::tree(uint32_t index) const {
    const uint64_t trees = reinterpret_cast<uint64_t>(this) + kCacheLine;
    return reinterpret_cast<FrameTree*>(trees)[index];
}

AreaCount& FramePool::count(uint32_t area) const {
    return tree_of_area(area).areas[area % kAreasPerTree];
}

AreaBits& FramePool::bits(uint32_t area) const {
    return reinterpret_cast<AreaBits*>(&tree(trees_))[area];
}

// --- Batches -------------------------------------------------------------------------------------------------------

uint32_t FramePool::take_some(CpuId cpu, uint32_t* reservation, FrameNumber* frames,
                              uint32_t wanted) {
    uint32_t taken = 0;
    if (*reservation != FrameTree::kNobody) taken = take_from_tree(*reservation, frames, wanted);
    while (taken < wanted && reserve(cpu, reservation)) {
        const uint32_t more = take_from_tree(*reservation, frames + taken, wanted - taken);
        if (more == 0) break;  // others emptied it meanwhile: the scan below decides
        taken += more;
    }
    // Nothing unreserved is left: what others have reserved but not taken is free all the same.
    for (uint32_t i = trees_; i-- > 0 && taken < wanted;) {
        taken += take_from_tree(i, frames + taken, wanted - taken);
    }
    return taken;
}

uint32_t FramePool::take_from_tree(uint32_t index, FrameNumber* frames, uint32_t wanted) {
    uint32_t taken = 0;
    for (uint32_t i = 0; i < kAreasPerTree && taken < wanted; ++i) {
        taken += take_from_area(index * kAreasPerTree + i, frames + taken, wanted - taken);
    }
    if (taken > 0)
        tree(index).free.fetch_sub(static_cast<int32_t>(taken), std::memory_order_relaxed);
    return taken;
}

uint32_t FramePool::take_from_area(uint32_t area, FrameNumber* frames, uint32_t wanted) {
    const uint32_t promised = count(area).promise(wanted);
    uint16_t indices[64];
    for (uint32_t taken = 0; taken < promised;) {  // guarantee (b): they are there
        const uint32_t room = promised - taken < 64 ? promised - taken : 64;
        const uint32_t more = bits(area).take_some(indices, room);
        for (uint32_t i = 0; i < more; ++i) frames[taken + i] = frame_at(area, indices[i]);
        taken += more;
    }
    return promised;
}

void FramePool::give(const FrameNumber* frames, uint32_t frame_count) {
    // Neighbours within a word go back by one operation; magazines mostly hold such runs, in either order.
    const uint64_t origin = origin_;
    for (uint32_t i = 0, n = 0; i < frame_count; i += n) {
        const Place place = place_of(frames[i]);
        const uint64_t word = (frames[i].raw() - origin) / 64;
        uint64_t mask = 0;
        for (n = 0; n < frame_count - i; ++n) {
            const uint64_t offset = frames[i + n].raw() - origin;
            if (offset / 64 != word) break;
            const uint64_t bit = uint64_t{1} << (offset % 64);
            SHOAL_CHECK((mask & bit) == 0 && "frame freed twice");
            mask |= bit;
        }
        bits(place.area).give_word(place.index / 64, mask);
        count(place.area).give(n);
        tree_of_area(place.area).free.fetch_add(static_cast<int32_t>(n), std::memory_order_relaxed);
    }
}

// --- Reservations --------------------------------------------------------------------------------------------------

bool FramePool::try_reserve(uint32_t index, CpuId cpu) {
    FrameTree& candidate = tree(index);
    if (candidate.free.load(std::memory_order_relaxed) <= 0) return false;
    uint32_t nobody = FrameTree::kNobody;
    // relaxed: a reservation is a hint and orders nothing
    return candidate.reserved_by.compare_exchange_strong(nobody, cpu.raw(),
                                                         std::memory_order_relaxed);
}

// The i-th tree that a search looks at. The lowest is everybody's last: its 16 MiB are what old devices reach.
uint32_t FramePool::tree_in_turn(uint32_t start, uint32_t i) const {
    const uint32_t others = trees_ - 1;
    return i < others ? 1 + (start + i) % others : 0;
}

// CPUs start at different trees, so that they do not meet at one.
bool FramePool::reserve(CpuId cpu, uint32_t* reservation) {
    const uint32_t old = *reservation;
    const uint32_t start = old != FrameTree::kNobody ? old : static_cast<uint32_t>(cpu.index()) * 7;
    unreserve(cpu, reservation);
    for (uint32_t i = 0; i < trees_; ++i) {
        const uint32_t index = tree_in_turn(start, i);
        if (!try_reserve(index, cpu)) continue;
        *reservation = index;
        return true;
    }
    return false;
}

void FramePool::unreserve(CpuId cpu, uint32_t* reservation) {
    if (*reservation == FrameTree::kNobody) return;
    uint32_t mine = cpu.raw();
    tree(*reservation)
        .reserved_by.compare_exchange_strong(mine, FrameTree::kNobody, std::memory_order_relaxed);
    *reservation = FrameTree::kNobody;
}

// --- Aligned pieces, ranges, whole areas -----------------------------------------------------------------------------

Result<FrameNumber> FramePool::take_aligned_in(uint32_t area, unsigned order) {
    const uint32_t frames = 1u << order;
    if (order == 9) {
        if (!count(area).take_whole()) return Error::NoMemory;
        tree_of_area(area).free.fetch_sub(kFramesPerArea, std::memory_order_relaxed);
        return frame_at(area, 0);
    }
    if (!count(area).promise_exactly(frames)) return Error::NoMemory;
    const int first = bits(area).take_aligned(order);
    if (first < 0) {  // enough frames, but no such piece
        count(area).give(frames);
        return Error::NoMemory;
    }
    tree_of_area(area).free.fetch_sub(static_cast<int32_t>(frames), std::memory_order_relaxed);
    return frame_at(area, static_cast<uint32_t>(first));
}

Result<FrameNumber> FramePool::take_aligned_in_tree(uint32_t index, unsigned order) {
    for (uint32_t i = 0; i < kAreasPerTree; ++i) {
        auto piece = take_aligned_in(index * kAreasPerTree + i, order);
        if (piece) return piece.release();
    }
    return Error::NoMemory;
}

Result<FrameNumber> FramePool::take_aligned(CpuId cpu, unsigned order) {
    SHOAL_ASSERT(order <= 6 || order == 9);
    // Trees that others have reserved last: two rounds.
    const auto start = static_cast<uint32_t>(cpu.index()) * 7;
    for (const bool others : {false, true}) {
        for (uint32_t i = 0; i < trees_; ++i) {
            const uint32_t index = tree_in_turn(start, i);
            const uint32_t owner = tree(index).reserved_by.load(std::memory_order_relaxed);
            if ((owner != FrameTree::kNobody && owner != cpu.raw()) != others) continue;
            auto piece = take_aligned_in_tree(index, order);
            if (piece) return piece.release();
        }
    }
    return Error::NoMemory;
}

Result<FrameNumber> FramePool::take_aligned_near(uint32_t reservation, unsigned order) {
    if (reservation == FrameTree::kNobody) return Error::NoMemory;
    return take_aligned_in_tree(reservation, order);
}

void FramePool::give_aligned(FrameNumber first, unsigned order) {
    if (order == 9) return give_areas(first, 1);
    const Place place = place_of(first);
    give_piece(place.area, place.index, 1u << order);
}

bool FramePool::take_piece(uint32_t area, uint32_t first, uint32_t frames) {
    if (!count(area).promise_exactly(frames)) return false;
    if (!bits(area).take_exact(first, frames)) {
        count(area).give(frames);
        return false;
    }
    tree_of_area(area).free.fetch_sub(static_cast<int32_t>(frames), std::memory_order_relaxed);
    return true;
}

void FramePool::give_piece(uint32_t area, uint32_t first, uint32_t frames) {
    bits(area).give(first, frames);
    count(area).give(frames);
    tree_of_area(area).free.fetch_add(static_cast<int32_t>(frames), std::memory_order_relaxed);
}

Result<void> FramePool::take_range(FrameRange range) {
    for (uint64_t done = 0; done < range.count;) {
        const Place place = place_of(range.first + done);
        const uint64_t rest = range.count - done, in_area = kFramesPerArea - place.index;
        const auto piece = static_cast<uint32_t>(rest < in_area ? rest : in_area);
        if (!take_piece(place.area, place.index, piece)) {
            give_range({range.first, done});
            return Error::Busy;
        }
        done += piece;
    }
    return {};
}

void FramePool::give_range(FrameRange range) {
    for (uint64_t done = 0; done < range.count;) {
        const Place place = place_of(range.first + done);
        const uint64_t rest = range.count - done, in_area = kFramesPerArea - place.index;
        const auto piece = static_cast<uint32_t>(rest < in_area ? rest : in_area);
        give_piece(place.area, place.index, piece);
        done += piece;
    }
}

Result<FrameNumber> FramePool::take_areas(uint32_t wanted) {
    SHOAL_ASSERT(wanted > 0);
    return frame_at(TRY(take_areas_in({0, areas()}, wanted, FrameNumber{~uint64_t{0}})), 0);
}

void FramePool::give_areas(FrameNumber first, uint32_t area_count) {
    const Place place = place_of(first);
    SHOAL_CHECK(place.index == 0);
    for (uint32_t area = place.area; area < place.area + area_count; ++area) {
        count(area).give_whole();
        tree_of_area(area).free.fetch_add(kFramesPerArea, std::memory_order_relaxed);
    }
}

void FramePool::split_area(FrameNumber first) {
    const Place place = place_of(first);
    SHOAL_CHECK(place.index == 0 && count(place.area).whole());
    bits(place.area).clear();
    count(place.area).split();
}

// --- Figures and recovery ----------------------------------------------------------------------------------------------

uint64_t FramePool::free_frames() const {
    uint64_t sum = 0;
    for (uint32_t area = 0; area < areas(); ++area) sum += count(area).free();
    return sum;
}

bool FramePool::is_free(FrameNumber frame) const {
    const Place place = place_of(frame);
    return !count(place.area).whole() && bits(place.area).free(place.index);
}

void FramePool::recount() {
    for (uint32_t index = 0; index < trees_; ++index) {
        uint32_t sum = 0;
        for (uint32_t area = index * kAreasPerTree; area < (index + 1) * kAreasPerTree; ++area) {
            if (count(area).whole()) continue;
            const uint32_t free = bits(area).count_free();
            count(area).recount(free);
            sum += free;
        }
        tree(index).free.store(static_cast<int32_t>(sum), std::memory_order_relaxed);
        tree(index).reserved_by.store(FrameTree::kNobody, std::memory_order_relaxed);
    }
}

}  // namespace shoal::vm
