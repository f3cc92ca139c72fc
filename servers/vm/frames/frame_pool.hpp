// FramePool: the shared, lock-free pool of free frames behind the CPUs' caches.
//
// After LLFree (Wrenger et al., "LLFree: Scalable and Optionally-Persistent Page-Frame Allocation", USENIX ATC 2023): areas
// of 2 MiB, trees of 8 areas, and reservations, by which CPUs keep out of each other's trees.
//
// Guarantees.
// (a) A frame is handed out to one taker between two gives: its bit falls by one compare-and-swap.
// (b) Who lowered an area's count by n finds n bits set in it: givers set bits before they raise the count.
// (c) An area is taken whole only if all its frames are free and no taker is under way in it.
// (d) Reservations and trees' sums are hints: a lost one costs speed, never a frame.
// (e) At rest the sum of the area counts is the number of free frames, and equals the number of set bits outside whole areas.
// (f) A crash between count and bits leaves count <= bits; recount() repairs it, and no frame is in two hands.
// (g) take_aligned and take_areas may hold frames for a moment that they then do not use; a taker that finds too little
//     just then gets less. Callers drain and try again before they refuse.
// Progress: takes and gives are lock-free: a scan fails only if another's succeeded. Reclamation: none needed, the words
// are permanent.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/address.hpp"
#include "base/cpu.hpp"
#include "base/result.hpp"
#include "servers/vm/frames/area.hpp"
#include "servers/vm/frames/frame_table.hpp"

namespace shoal::vm {

inline constexpr uint32_t kAreasPerTree = 8;

// One line; written at reservation and once per batch.
struct alignas(kCacheLine) FrameTree {
    static constexpr uint32_t kNobody = ~0u;
    AreaCount areas[kAreasPerTree];
    std::atomic<int32_t> free{0};                // sum of areas, a little late
    std::atomic<uint32_t> reserved_by{kNobody};  // CPU
};
static_assert(sizeof(FrameTree) == kCacheLine);

// Neighbouring frames that somebody wants.
struct FrameBlock {
    uint32_t frames;
    uint32_t alignment = 1;              // of the first, in frames: a power of two up to kFramesPerArea
    FrameNumber below{~uint64_t{0}};     // than which all of them lie
};

class FramePool {
  public:
    // Bytes of permanent memory behind the object for a span of that many frames.
    static uint64_t bytes_for(FrameRange span);
    // Makes a pool in zeroed memory, with no frame free.
    static FramePool* create(void* memory, FrameTable table);

    // Fills `frames` with up to `wanted` frames of the CPU's reserved tree, reserving another as needed. Fewer only if
    // fewer are free anywhere. *reservation: the CPU's tree, kept by its cache.
    uint32_t take_some(CpuId cpu, uint32_t* reservation, FrameNumber* frames, uint32_t wanted);
    // Frames of any trees, in any order; neighbours next to each other cost least.
    void give(const FrameNumber* frames, uint32_t count);
    void unreserve(CpuId cpu, uint32_t* reservation);

    // 2^order frames, aligned to their size, order <= 6 or 9. Error: NoMemory (none such; draining may help).
    Result<FrameNumber> take_aligned(CpuId cpu, unsigned order);
    // As take_aligned(), out of the tree with this reservation alone.
    Result<FrameNumber> take_aligned_near(uint32_t reservation, unsigned order);
    void give_aligned(FrameNumber first, unsigned order);
    // A block out of the areas below number `areas_left`, of which it looks at kAreasPerSearch at most, and lowers the number so. Error:
    // NoMemory (none there; with 0 left, none anywhere: draining may help). The block's frames may go back one by one.
    static constexpr uint32_t kAreasPerSearch = 32;
    Result<FrameNumber> take_block(const FrameBlock& wanted, uint32_t& areas_left);
    // Exactly these frames. Error: Busy (not all are free).
    Result<void> take_range(FrameRange range);
    void give_range(FrameRange range);
    // `count` consecutive whole areas, the highest ones. Error: NoMemory.
    Result<FrameNumber> take_areas(uint32_t count);
    void give_areas(FrameNumber first, uint32_t count);
    // A whole area's frames are given back one by one from now on.
    void split_area(FrameNumber first);

    [[nodiscard]] uint64_t free_frames() const;
    [[nodiscard]] uint32_t areas() const { return trees_ * kAreasPerTree; }
    [[nodiscard]] FrameTable table() const { return table_; }
    [[nodiscard]] bool is_free(FrameNumber frame) const;
    // After a crash, alone: counts from bits. Whole areas stay whole.
    void recount();

  private:
    FramePool(FrameTable table, uint32_t trees);
    struct Place {
        uint32_t area, index;
    };
    [[nodiscard]] Place place_of(FrameNumber frame) const;
    [[nodiscard]] FrameNumber frame_at(uint32_t area, uint32_t index) const;
    [[nodiscard]] FrameTree& tree(uint32_t index) const;
    [[nodiscard]] FrameTree& tree_of_area(uint32_t area) const {
        return tree(area / kAreasPerTree);
    }
    [[nodiscard]] AreaCount& count(uint32_t area) const;
    [[nodiscard]] AreaBits& bits(uint32_t area) const;
    uint32_t take_from_tree(uint32_t tree, FrameNumber* frames, uint32_t wanted);
    uint32_t take_from_area(uint32_t area, FrameNumber* frames, uint32_t wanted);
    [[nodiscard]] uint32_t tree_in_turn(uint32_t start, uint32_t i) const;
    bool reserve(CpuId cpu, uint32_t* reservation);
    bool try_reserve(uint32_t tree, CpuId cpu);
    bool take_piece(uint32_t area, uint32_t first, uint32_t frames);
    void give_piece(uint32_t area, uint32_t first, uint32_t frames);
    [[nodiscard]] uint32_t room_below(uint32_t area, FrameNumber limit) const;
    Result<FrameNumber> take_block_in(uint32_t area, const FrameBlock& wanted);
    // Areas [first, end).
    struct Window {
        uint32_t first, end;
    };
    Result<uint32_t> take_areas_in(Window window, uint32_t wanted, FrameNumber limit);
    Result<FrameNumber> take_block_of_areas(Window window, const FrameBlock& wanted);
    Result<FrameNumber> take_aligned_in(uint32_t area, unsigned order);
    Result<FrameNumber> take_aligned_in_tree(uint32_t tree, unsigned order);

    FrameTable table_;
    uint64_t origin_;  // frame number of area 0, a multiple of 512
    uint32_t trees_;
};

}  // namespace shoal::vm
