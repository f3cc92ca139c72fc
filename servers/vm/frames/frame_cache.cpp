#include "servers/vm/frames/frame_cache.hpp"

#include "servers/vm/platform/refill.hpp"

namespace shoal::vm {

namespace {

bool pool_refuses() { return platform::next_refill() == platform::Refill::Refused; }

}  // namespace

Result<void> FrameCache::refill_to(uint32_t wanted) {
    receive();
    if (keeps_stock_) stock_up();
    if (magazine_.size() < wanted) take_from_pool(wanted);
    if (magazine_.size() < wanted) keep_outgoing(wanted);
    if (magazine_.size() < wanted) return Error::NoMemory;
    return {};
}

void FrameCache::take_from_pool(uint32_t wanted) {
    const platform::Refill how = platform::next_refill();
    if (how == platform::Refill::Refused) return;
    const uint32_t room = magazine_.room() < kRefill ? magazine_.room() : kRefill;
    const uint32_t taken = how == platform::Refill::Exact ? wanted - magazine_.size() : room;
    magazine_.pushed(pool_->take_some(cpu_, &reservation_, magazine_.tail(), taken));
}

// The pool is empty: what was to go to other CPUs is used here.
void FrameCache::keep_outgoing(uint32_t wanted) {
    for (uint32_t i = 0; i < cpus_ && magazine_.size() < wanted; ++i) {
        Batch& batch = outgoing_[i];
        for (uint32_t link = batch.first; link != 0;) {
            const FrameNumber frame = table_.frame(link - 1);
            link = link == batch.last ? 0 : table_[frame].next_;
            put(frame);
        }
        batch = {};
    }
}

FrameRange FrameCache::begin_group(unsigned order) {
    if (platform::next_refill() != platform::Refill::Ample) return {};
    const Result<FrameNumber> first = pool_->take_aligned_near(reservation_, order);
    if (!first.ok()) return {};
    const uint32_t count = 1u << order;
    if (magazine_.room() < count) spill();
    for (uint32_t i = count; i-- > 0;) magazine_.push(first.value() + i);
    return {first.value(), count};
}

void FrameCache::return_top(FrameRange group) {
    while (!magazine_.empty() && group.contains(magazine_[magazine_.size() - 1])) {
        const FrameNumber frame = magazine_.pop();
        pool_->give(&frame, 1);
    }
}

void FrameCache::stock_up() {
    if (stock_.room() > 0) stock_.pushed(pool_->take_some(cpu_, &reservation_, stock_.tail(), stock_.room()));
}

void FrameCache::open_stock() {
    while (!stock_.empty()) put(stock_.pop());
}

void FrameCache::close_stock() {
    while (stock_.room() > 0 && !magazine_.empty()) stock_.push(magazine_.pop());
}

void FrameCache::spill() {
    pool_->give(magazine_.oldest(), kRefill);
    magazine_.removed(kRefill);
}

void FrameCache::release_chain(FrameInfo* first) {
    const FrameTable table = table_;  // a copy, so that it stays in registers: what a page of an unmapping costs
    while (first != nullptr) {
        FrameInfo& info = *first;
        first = info.next();
        info.set_next(nullptr);
        const Released released = info.release();
        SHOAL_CHECK(released == Released::Last && "frame freed that others still use");
        free(table.number(info), info);
    }
}

// --- Frames of other CPUs ------------------------------------------------------------------------------------------

void FrameCache::put_outgoing(CpuId home, FrameNumber frame) {
    SHOAL_ASSERT(home.index() < cpus_);
    Batch& batch = outgoing_[home.index()];
    const uint32_t link = table_.index(frame) + 1;
    table_[frame].next_ = batch.first;
    batch.first = link;
    if (batch.count++ == 0) batch.last = link;
    if (batch.count >= kBatch) send(home);
}

void FrameCache::send(CpuId home) {
    Batch& batch = outgoing_[home.index()];
    FrameInfo& last = table_[table_.frame(batch.last - 1)];
    std::atomic<uint32_t>& inbox = peer(home).inbox_;
    uint32_t seen = inbox.load(std::memory_order_relaxed);
    do {
        last.next_ = seen;
        // release pairs with receive(): the links come with the chain
    } while (!inbox.compare_exchange_weak(seen, batch.first, std::memory_order_release,
                                          std::memory_order_relaxed));
    batch = {};
}

void FrameCache::receive() {
    if (inbox_.load(std::memory_order_relaxed) == 0) return;
    // acquire pairs with send()
    uint32_t link = inbox_.exchange(0, std::memory_order_acquire);
    while (link != 0) {
        const FrameNumber frame = table_.frame(link - 1);
        link = table_[frame].next_;
        put(frame);
    }
}

void FrameCache::flush_outgoing() {
    for (uint32_t i = 0; i < cpus_; ++i) {
        if (outgoing_[i].count > 0) send(CpuId::from(i));
    }
}

void FrameCache::drain() {
    flush_outgoing();
    receive();
    pool_->give(magazine_.oldest(), magazine_.size());
    magazine_.removed(magazine_.size());
    pool_->unreserve(cpu_, &reservation_);
}

// --- Pieces of several frames ----------------------------------------------------------------------------------------

void FrameCache::handed_out(FrameRange range) {
    for (uint64_t i = 0; i < range.count; ++i) {
        FrameInfo& info = table_[range.first + i];
        SHOAL_ASSERT(info.kind() == FrameKind::Free);
        info.set_kind(FrameKind::Taken);
        info.home_ = cpu_.raw();
    }
    count(static_cast<int64_t>(range.count));
}

void FrameCache::taken_back(FrameRange range) {
    for (uint64_t i = 0; i < range.count; ++i) {
        FrameInfo& info = table_[range.first + i];
        SHOAL_CHECK(info.kind() >= FrameKind::Kept && "frame freed that is not allocated");
        SHOAL_ASSERT(info.references() == 0);
        info.set_kind(FrameKind::Free);
    }
    count(-static_cast<int64_t>(range.count));
}

Result<FrameNumber> FrameCache::allocate_aligned(unsigned order) {
    if (pool_refuses()) return Error::NoMemory;
    const FrameNumber first = TRY(pool_->take_aligned(cpu_, order));
    handed_out({first, uint64_t{1} << order});
    return first;
}

void FrameCache::free_aligned(FrameNumber first, unsigned order) {
    taken_back({first, uint64_t{1} << order});
    pool_->give_aligned(first, order);
}

Result<FrameNumber> FrameCache::allocate_areas(uint32_t areas) {
    if (pool_refuses()) return Error::NoMemory;
    const FrameNumber first = TRY(pool_->take_areas(areas));
    handed_out({first, uint64_t{areas} * kFramesPerArea});
    return first;
}

void FrameCache::free_areas(FrameNumber first, uint32_t areas) {
    taken_back({first, uint64_t{areas} * kFramesPerArea});
    pool_->give_areas(first, areas);
}

Result<FrameRange> FrameCache::allocate_block(const FrameBlock& wanted, uint32_t& areas_left) {
    if (pool_refuses()) {
        areas_left = 0;
        return Error::NoMemory;
    }
    const FrameRange block{TRY(pool_->take_block(wanted, areas_left)), wanted.frames};
    handed_out(block);
    return block;
}

Result<void> FrameCache::allocate_range(FrameRange range) {
    TRY(pool_->take_range(range));
    handed_out(range);
    return {};
}

void FrameCache::free_range(FrameRange range) {
    taken_back(range);
    pool_->give_range(range);
}

// --- For the audit ---------------------------------------------------------------------------------------------------

uint64_t FrameCache::cached() const {
    uint64_t sum = magazine_.size() + stock_.size();
    for (uint32_t i = 0; i < cpus_; ++i) sum += outgoing_[i].count;
    return sum;
}

uint64_t FrameCache::inbox_length() const {
    uint64_t length = 0;
    for_each_linked(inbox_.load(std::memory_order_acquire), [&](FrameNumber) { ++length; });  // pairs with send()
    return length;
}

}  // namespace shoal::vm
