#include "servers/vm/slab/slab_caches.hpp"

#include "servers/vm/arena/window.hpp"
#include "servers/vm/platform/refill.hpp"

namespace shoal::vm {

void SlabCaches::free(Local& cache, void* object) {
    Slab& slab = Slab::of(object);
    SHOAL_ASSERT(&cache == &local(slab.type()));
    slab.mark_free(object);
    count(cache, -1);
    if (slab.home() == cpu_) [[likely]]
        return put(cache, object);
    put_outgoing(slab.home(), slab, object);
}

void SlabCaches::put(Local& cache, void* object) {
    if (cache.magazine.full()) [[unlikely]]
        spill(cache, kHalf);
    cache.magazine.push(object);
}

// The oldest objects go back to their slabs; empty slabs but one a type are given up.
void SlabCaches::spill(Local& cache, uint32_t objects) {
    for (uint32_t i = 0; i < objects; ++i) {
        void* object = cache.magazine[i];
        Slab& slab = Slab::of(object);
        if (!slab.has_free()) cache.partial.push_front(slab);
        slab.put(object);
        if (slab.empty() && cache.partial.size() > 1) give_up(cache, slab);
    }
    cache.magazine.removed(objects);
}

void SlabCaches::give_up(Local& cache, Slab& slab) {
    cache.partial.remove(slab);
    if (slab.kind() == SlabKind::TypeStable)
        reclaimer_->retire(slab.retire_hook, deleter_of(Retired::Slab));
    else
        release(slab);
}

void SlabCaches::release(Slab& slab) {
    add(local(slab.type()).slabs, -1);
    const FrameNumber frame = frame_of(&slab);
    const Released released = frames_->info(frame).release();
    SHOAL_CHECK(released == Released::Last);
    frames_->free(frame);
}

Result<void> SlabCaches::refill(const SlabShape& shape, uint32_t wanted) {
    SHOAL_ASSERT(wanted <= kHalf);
    receive();
    Local& cache = local(shape.type);
    cache.stock = shape.stock;
    const platform::Refill how = cache.magazine.size() >= wanted ? platform::Refill::Ample : platform::next_refill();
    if (how == platform::Refill::Refused) return Error::NoMemory;
    const uint32_t ample = how == platform::Refill::Exact || wanted > kHalf / 2 ? wanted : kHalf / 2;
    while (cache.magazine.size() < ample) {
        if (cache.partial.empty()) {
            if (cache.magazine.size() >= wanted) break;
            TRY(grow(shape));
        }
        Slab& slab = *cache.partial.front();
        cache.magazine.push(slab.take());
        if (!slab.has_free()) cache.partial.remove(slab);
    }
    return {};
}

Result<void> SlabCaches::grow(const SlabShape& shape) {
    const FrameNumber frame = TRY(frames_->allocate());
    // --- commit point ---
    Slab* slab = new (window_pointer(frame)) Slab(shape, cpu_);
    frames_->info(frame).claim(FrameKind::Slab, slab);
    local(shape.type).partial.push_front(*slab);
    add(local(shape.type).slabs, 1);
    return {};
}

// --- Objects of other CPUs -------------------------------------------------------------------------------------------

void SlabCaches::put_outgoing(CpuId home, Slab& slab, void* object) {
    SHOAL_ASSERT(home.index() < cpus_);
    Batch& batch = outgoing_[home.index()];
    slab.trailer(object).next = batch.first;
    batch.first = object;
    if (batch.count++ == 0) batch.last = object;
    if (batch.count >= kBatch) send(home);
}

void SlabCaches::send(CpuId home) {
    Batch& batch = outgoing_[home.index()];
    SlabTrailer& last = Slab::of(batch.last).trailer(batch.last);
    std::atomic<void*>& inbox = peer(home).inbox_;
    void* seen = inbox.load(std::memory_order_relaxed);
    do {
        last.next = seen;
        // release pairs with receive(): links and the objects' last contents come with the chain
    } while (!inbox.compare_exchange_weak(seen, batch.first, std::memory_order_release,
                                          std::memory_order_relaxed));
    batch = {};
}

void SlabCaches::receive() {
    if (inbox_.load(std::memory_order_relaxed) == nullptr) return;
    // acquire pairs with send()
    void* object = inbox_.exchange(nullptr, std::memory_order_acquire);
    while (object != nullptr) {
        Local& home = local(Slab::of(object).type());
        void* next = Slab::of(object).trailer(object).next;
        put(home, object);
        object = next;
    }
}

void SlabCaches::flush_outgoing() {
    for (uint32_t i = 0; i < cpus_; ++i) {
        if (outgoing_[i].count > 0) send(CpuId::from(i));
    }
}

void SlabCaches::drain() {
    flush_outgoing();
    receive();
    for (Local& cache : locals_) {
        const uint32_t size = cache.magazine.size();
        if (size > cache.stock) spill(cache, size - cache.stock);
        cache.partial.for_each([&](Slab& slab) {
            if (slab.empty()) give_up(cache, slab);
        });
    }
}

}  // namespace shoal::vm
