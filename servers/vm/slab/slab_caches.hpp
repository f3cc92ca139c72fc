// SlabCaches: one CPU's caches of objects, one per type: a magazine over slabs that this CPU owns. Taking and freeing an
// object of this CPU is a few plain instructions. Objects of other CPUs' slabs go home in batches of mixed types, one
// compare-and-swap each.
//
// Sources: Bonwick, "The Slab Allocator" (USENIX 1994); Bonwick and Adams (USENIX 2001) for magazines; Lietar et al.,
// "snmalloc" (ISMM 2019) for remote frees as messages.
// Guarantees. (a) An object is in one hand at a time. (b) A slab's header is touched by its home CPU only (others read home,
// stride and type, which do not change while an object of it lives). (c) At rest, live() summed over CPUs is exact.
// Progress: local paths wait-free; sending a batch is lock-free. Reclamation: ordinary slabs go back to the home CPU's
// frames when empty; type-stable ones a grace period later, through the same worker's Reclaimer (as SLAB_TYPESAFE_BY_RCU in
// Linux).
#pragma once

#include <atomic>
#include <new>
#include <utility>

#include "base/result.hpp"
#include "servers/vm/arena/magazine.hpp"
#include "servers/vm/frames/frame_cache.hpp"
#include "servers/vm/reclaim/retired.hpp"
#include "servers/vm/slab/slab.hpp"

namespace shoal::vm {

class SlabCaches {
  public:
    static constexpr uint32_t kMagazine = 64, kHalf = kMagazine / 2, kBatch = 16;

    struct Batch {
        void* first = nullptr;
        void* last = nullptr;
        uint32_t count = 0;
    };

    // frames, reclaimer: of the same CPU; the reclaimer hands back what is Retired::Slab. outgoing: one batch a CPU, permanent.
    SlabCaches(CpuId cpu, FrameCache& frames, Reclaimer& reclaimer, Batch* outgoing, uint32_t cpus)
        : frames_(&frames), reclaimer_(&reclaimer), outgoing_(outgoing), cpus_(cpus), cpu_(cpu) {}
    SlabCaches(const SlabCaches&) = delete;
    SlabCaches& operator=(const SlabCaches&) = delete;

    // A new object, constructed from the arguments. Error: NoMemory.
    template <typename T, typename... Arguments>
    Result<T*> create(Arguments&&... arguments) {
        static_assert(slab_kind_of<T>() == SlabKind::Ordinary);
        void* memory = TRY(allocate(kShape<T>));
        return new (memory) T(std::forward<Arguments>(arguments)...);
    }
    // As create(), after ensure(); cannot fail.
    template <typename T, typename... Arguments>
    T* create_reserved(Arguments&&... arguments) {
        static_assert(slab_kind_of<T>() == SlabKind::Ordinary);
        return new (allocate_reserved(kShape<T>)) T(std::forward<Arguments>(arguments)...);
    }
    // Any CPU's object.
    template <typename T>
    void destroy(T* object) {
        static_assert(slab_kind_of<T>() == SlabKind::Ordinary);
        object->~T();
        free(local(T::kSlabType), object);
    }

    // Type-stable objects: taken as they were left, given back without being destroyed. Whoever found one before may go on
    // reading it until its worker's next quiescent state.
    template <typename T>
    Result<T*> obtain() {
        static_assert(slab_kind_of<T>() == SlabKind::TypeStable);
        return static_cast<T*>(TRY(allocate(kShape<T>)));
    }
    template <typename T>
    T* obtain_reserved() {
        static_assert(slab_kind_of<T>() == SlabKind::TypeStable);
        return static_cast<T*>(allocate_reserved(kShape<T>));
    }
    template <typename T>
    void give_back(T* object) {
        static_assert(slab_kind_of<T>() == SlabKind::TypeStable);
        free(local(T::kSlabType), object);
    }

    // The next `count` (<= kHalf) reserved takes of T need no frame. Error: NoMemory.
    // The type's stock is left alone.
    template <typename T>
    Result<void> ensure(uint32_t count) {
        if (!has<T>(count)) [[unlikely]]
            return refill(kShape<T>, count + slab_stock_of<T>());
        return {};
    }
    // Whether ensure() has nothing to do.
    template <typename T>
    [[nodiscard]] bool has(uint32_t count) {
        return local(T::kSlabType).magazine.size() >= count + slab_stock_of<T>();
    }
    // As ensure(), for what gives memory back: takes the stock too, where no frame is left to refill it.
    template <typename T>
    Result<void> ensure_from_stock(uint32_t count) {
        const auto& magazine = local(T::kSlabType).magazine;
        if (magazine.size() >= count + slab_stock_of<T>()) [[likely]]
            return {};
        const Result<void> refilled = refill(kShape<T>, count + slab_stock_of<T>());
        return magazine.size() >= count ? Result<void>{} : refilled;
    }

    void flush_outgoing();
    // Shortage: empties magazines, but for the stocks, and batches; frames of empty slabs go to this CPU's frame cache, those of
    // type-stable ones when the reclaimer hands them to release().
    void drain();
    void release(Slab& slab);

    // Objects of the type taken here less freed here; its sum over CPUs is the number alive.
    [[nodiscard]] int64_t live(SlabType type) const {
        return locals_[static_cast<size_t>(type)].live.load(std::memory_order_relaxed);
    }
    // Frames that this CPU's slabs of the type occupy.
    [[nodiscard]] uint64_t slabs(SlabType type) const {
        return static_cast<uint64_t>(locals_[static_cast<size_t>(type)].slabs.load(std::memory_order_relaxed));
    }

    // For the audit, workers at rest: every free object here, outgoing batches and inbox too.
    template <typename Visit>
    void for_each_cached(Visit visit) const {
        for (const Local& local : locals_)
            for (uint32_t i = 0; i < local.magazine.size(); ++i) visit(local.magazine[i]);
        for (uint32_t i = 0; i < cpus_; ++i) {
            void* object = outgoing_[i].first;
            for (uint32_t left = outgoing_[i].count; left > 0; --left, object = next_free(object)) visit(object);
        }
        void* object = inbox_.load(std::memory_order_acquire);  // pairs with send()
        for (; object != nullptr; object = next_free(object)) visit(object);
    }

    // Once, after all CPUs' caches exist; stride: bytes from one CPU's to the next one's.
    void set_peers(SlabCaches* first, size_t stride) { peers_ = first, peer_stride_ = stride; }

  private:
    template <typename T>
    static constexpr SlabShape kShape = SlabShape::of<T>();

    struct Local {
        Magazine<void*, kMagazine> magazine;
        List<Slab, &Slab::hook> partial;
        std::atomic<int64_t> live{0};  // written by this CPU only
        uint32_t stock = 0;            // known from the first refill on
        std::atomic<int64_t> slabs{0};  // likewise; others sum them
    };

    Result<void*> allocate(const SlabShape& shape) {
        if (local(shape.type).magazine.size() <= shape.stock) [[unlikely]]
            TRY(refill(shape, 1 + uint32_t{shape.stock}));
        return take(shape.type);
    }
    void* allocate_reserved(const SlabShape& shape) {
        SHOAL_CHECK(!local(shape.type).magazine.empty());
        return take(shape.type);
    }
    void* take(SlabType type) {
        Local& cache = local(type);
        void* object = cache.magazine.pop();
        Slab::of(object).mark_live(object);
        count(cache, 1);
        return object;
    }
    // relaxed and no read-modify-write: this CPU alone writes them, and they order nothing else
    static void add(std::atomic<int64_t>& number, int64_t n) {
        number.store(number.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
    }
    static void count(Local& cache, int64_t objects) { add(cache.live, objects); }
    void free(Local& cache, void* object);
    void put(Local& cache, void* object);
    void spill(Local& cache, uint32_t count);
    Result<void> refill(const SlabShape& shape, uint32_t wanted);
    Result<void> grow(const SlabShape& shape);
    void give_up(Local& cache, Slab& slab);
    void put_outgoing(CpuId home, Slab& slab, void* object);
    void send(CpuId home);
    void receive();
    static void* next_free(void* object) { return Slab::of(object).trailer(object).next; }
    Local& local(SlabType type) { return locals_[static_cast<size_t>(type)]; }
    SlabCaches& peer(CpuId cpu) const {
        return *reinterpret_cast<SlabCaches*>(reinterpret_cast<uint64_t>(peers_) +
                                              cpu.index() * peer_stride_);
    }

    Local locals_[kSlabTypes];
    FrameCache* frames_;
    Reclaimer* reclaimer_;
    Batch* outgoing_;
    SlabCaches* peers_ = nullptr;
    size_t peer_stride_ = 0;
    uint32_t cpus_;
    CpuId cpu_;
    // Written by other CPUs: a line of its own.
    alignas(kCacheLine) std::atomic<void*> inbox_{nullptr};
};

}  // namespace shoal::vm
