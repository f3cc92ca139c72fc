// FrameCache: one CPU's stock of free frames, and its way to send other CPUs' frames home.
//
// A magazine (Bonwick and Adams, USENIX 2001) over the pool: taking and giving back a frame of this CPU is a few plain
// instructions on lines that no other CPU touches. It is refilled with runs of 16 neighbours where there are any, so that the
// FrameInfo lines of its frames are this CPU's alone. A frame that another CPU handed out is chained to the outgoing batch
// for its home, and a full batch goes there with one compare-and-swap (message passing of snmalloc, Lietar et al., ISMM 2019).
//
// Guarantees. (a) A frame is in one place at a time: in use, in a magazine, in a batch, in an inbox, in the pool. (b) At rest
// the sum of in_use() over CPUs is exact. (c) A frame that cannot be found here (NoMemory) is in another CPU's cache or in
// use: draining the workers brings it out. Progress: allocate and free are wait-free while the magazine serves; sending is
// lock-free (push by compare-and-swap; the receiver takes the whole chain, so that ABA cannot arise).
#pragma once

#include <atomic>
#include <cstdint>

#include "base/result.hpp"
#include "servers/vm/arena/magazine.hpp"
#include "servers/vm/frames/frame_pool.hpp"

namespace shoal::vm {

class FrameCache {
  public:
    static constexpr uint32_t kCapacity = 128, kRefill = 64, kBatch = 16, kStock = 32;

    // Frames on their way to one CPU, chained through FrameInfo.
    struct Batch {
        uint32_t first = 0;  // table index + 1; 0: empty
        uint32_t last = 0;
        uint32_t count = 0;
    };

    // peers: the caches of all CPUs; outgoing: one batch a CPU. Both permanent.
    FrameCache(CpuId cpu, FramePool& pool, Batch* outgoing, uint32_t cpus)
        : pool_(&pool), table_(pool.table()), outgoing_(outgoing), cpus_(cpus), cpu_(cpu) {}
    FrameCache(const FrameCache&) = delete;
    FrameCache& operator=(const FrameCache&) = delete;

    // One frame, contents undefined, kind Taken, no reference. Error: NoMemory (drain the workers, then try again).
    Result<FrameNumber> allocate() {
        if (magazine_.empty()) TRY(refill());
        return hand_out();
    }
    // The next `count` (<= kRefill) allocate_reserved() calls succeed without the pool. Error: NoMemory.
    Result<void> ensure(uint32_t count) {
        SHOAL_ASSERT(count <= kRefill);
        if (!has(count)) [[unlikely]]
            return refill_to(count);
        return {};
    }
    // Whether ensure() has nothing to do.
    [[nodiscard]] bool has(uint32_t count) const { return magazine_.size() >= count; }
    [[gnu::always_inline]] FrameNumber allocate_reserved() {
        SHOAL_CHECK(!magazine_.empty());
        return hand_out();
    }
    // FrameGroup's own. begin_group: 2^order neighbours, aligned, that are handed out next; none if the tree that the pool keeps for this CPU has none.
    // return_top: those that would be handed out next, as far as they are in the range, go to the pool.
    FrameRange begin_group(unsigned order);
    void return_top(FrameRange group);
    // The frame has no reference left. It may come from any CPU's cache.
    void free(FrameNumber frame) { free(frame, table_[frame]); }
    // As free(), with the one reference that there is.
    [[gnu::always_inline]] void release_exclusive(FrameNumber frame) {
        FrameInfo& info = table_[frame];
        const Released released = info.release();
        SHOAL_CHECK(released == Released::Last && "frame freed that others still use");
        free(frame, info);
    }
    // Likewise all that are chained by FrameInfo::next(), the first of which may be nullptr.
    void release_chain(FrameInfo* first);

    // 2^order frames in one aligned piece, order 0..6 or 9, past the magazine. Error: NoMemory.
    Result<FrameNumber> allocate_aligned(unsigned order);
    void free_aligned(FrameNumber first, unsigned order);
    Result<FrameNumber> allocate_areas(uint32_t count);
    void free_areas(FrameNumber first, uint32_t count);
    // The frames of an area allocated whole are freed one by one from now on.
    void split_area(FrameNumber first) { pool_->split_area(first); }
    // As FramePool::take_block().
    Result<FrameRange> allocate_block(const FrameBlock& wanted, uint32_t& areas_left);
    // Exactly these. Error: Busy.
    Result<void> allocate_range(FrameRange range);
    void free_range(FrameRange range);  // kept frames too

    FrameInfo& info(FrameNumber frame) const { return table_[frame]; }

    // Sends off what waits for other CPUs; cheap when nothing does. At the end of a request that freed much.
    void flush_outgoing();
    // Shortage: gives everything to the pool, the reservation too.
    void drain();

    // A stock for those who must not fail where others may: the faults of servers. Filled from here on before anything else when
    // the pool is asked, and left alone by all but these two.
    void keep_stock() { keeps_stock_ = true, stock_up(); }
    void open_stock();   // into the magazine
    void close_stock();  // what is left of it

    // Kept frames, which were in use before there was a cache, count as handed out by this CPU.
    void adopt(uint64_t frames) { count(static_cast<int64_t>(frames)); }

    // Frames that this CPU handed out less those that it was given back; the sum over CPUs is the number in use.
    [[nodiscard]] int64_t in_use() const { return in_use_.load(std::memory_order_relaxed); }
    // Frames in this cache: magazine, stock and outgoing batches, not the inbox.
    [[nodiscard]] uint64_t cached() const;
    // For the audit, workers at rest.
    [[nodiscard]] uint64_t inbox_length() const;
    template <typename Visit>
    void for_each_cached(Visit visit) const;  // the inbox too

    // Once, after all caches exist. stride: bytes between two CPUs' caches, so that no table of pointers is read.
    void set_peers(FrameCache* first, size_t stride) { peers_ = first, peer_stride_ = stride; }

  private:
    template <typename Visit>
    void for_each_linked(uint32_t link, Visit visit) const {
        for (; link != 0; link = table_[table_.frame(link - 1)].next_) visit(table_.frame(link - 1));
    }
    [[gnu::always_inline]] void free(FrameNumber frame, FrameInfo& info) {
        SHOAL_CHECK(info.kind() >= FrameKind::Kept && "frame freed that is not allocated");
        SHOAL_ASSERT(info.references() == 0);
        info.set_kind(FrameKind::Free);
        count(-1);
        if (info.home_ == cpu_.raw()) [[likely]]
            return put(frame);
        put_outgoing(CpuId{info.home_}, frame);
    }
    [[gnu::always_inline]] FrameNumber hand_out() {
        const FrameNumber frame = magazine_.pop();
        FrameInfo& info = table_[frame];
        SHOAL_ASSERT(info.kind() == FrameKind::Free);
        info.set_kind(FrameKind::Taken);
        info.home_ = cpu_.raw();
        count(1);
        return frame;
    }
    [[gnu::always_inline]] void count(int64_t frames) {
        // relaxed and no read-modify-write: this CPU alone writes it
        in_use_.store(in_use_.load(std::memory_order_relaxed) + frames, std::memory_order_relaxed);
    }
    Result<void> refill() { return refill_to(1); }
    Result<void> refill_to(uint32_t wanted);
    void take_from_pool(uint32_t wanted);
    void keep_outgoing(uint32_t wanted);
    [[gnu::always_inline]] void put(FrameNumber frame) {
        if (magazine_.full()) [[unlikely]]
            spill();
        magazine_.push(frame);
    }
    void spill();
    void stock_up();
    void put_outgoing(CpuId home, FrameNumber frame);
    void send(CpuId home);
    void receive();
    void handed_out(FrameRange range);
    void taken_back(FrameRange range);
    FrameCache& peer(CpuId cpu) const {
        return *reinterpret_cast<FrameCache*>(reinterpret_cast<uint64_t>(peers_) +
                                              cpu.index() * peer_stride_);
    }

    Magazine<FrameNumber, kCapacity> magazine_;
    FramePool* pool_;
    FrameTable table_;
    Batch* outgoing_;
    FrameCache* peers_ = nullptr;
    size_t peer_stride_ = 0;
    std::atomic<int64_t> in_use_{0};
    uint32_t cpus_;
    uint32_t reservation_ = FrameTree::kNobody;
    CpuId cpu_;
    bool keeps_stock_ = false;
    Magazine<FrameNumber, kStock> stock_;
    // Written by other CPUs: a line of its own. First frame of a chain, table index + 1.
    alignas(kCacheLine) std::atomic<uint32_t> inbox_{0};
};

template <typename Visit>
void FrameCache::for_each_cached(Visit visit) const {
    for (uint32_t i = 0; i < magazine_.size(); ++i) visit(magazine_[i]);
    for (uint32_t i = 0; i < stock_.size(); ++i) visit(stock_[i]);
    for (uint32_t i = 0; i < cpus_; ++i) {
        // A batch's last frame keeps an old link.
        const Batch& batch = outgoing_[i];
        uint32_t left = batch.count;
        for (uint32_t link = batch.first; left > 0; --left, link = table_[table_.frame(link - 1)].next_)
            visit(table_.frame(link - 1));
    }
    for_each_linked(inbox_.load(std::memory_order_acquire), visit);  // pairs with send()
}

}  // namespace shoal::vm
