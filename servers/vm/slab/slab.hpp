// Slab: one frame of objects of one type. The header is the frame's first line; objects follow, each on lines of its own:
// neighbours may be in use on two CPUs. From an object's address its slab is found by masking.
#pragma once

#include <cstdint>
#include <new>

#include "base/assert.hpp"
#include "base/containers/list.hpp"
#include "servers/vm/reclaim/reclaimer.hpp"
#include "servers/vm/slab/slab_types.hpp"

namespace shoal::vm {

// Trailer of every object, behind its bytes: the link while it is free (so that a type-stable object stays readable), and
// in debug builds a canary that tells live from free.
struct SlabTrailer {
    void* next;
#ifndef NDEBUG
    uint64_t canary;
#endif
};

template <typename T>
consteval SlabShape SlabShape::of() {
    static_assert(alignof(T) <= kCacheLine, "slab objects are aligned to a line at most");
    constexpr size_t trailer = (sizeof(T) + alignof(SlabTrailer) - 1) & ~(alignof(SlabTrailer) - 1);
    constexpr size_t stride = (trailer + sizeof(SlabTrailer) + kCacheLine - 1) & ~size_t{kCacheLine - 1};
    constexpr size_t capacity = (kPageSize - kCacheLine) / stride;
    static_assert(capacity >= 2, "too big for a slab of one frame");
    SlabShape shape{T::kSlabType,
                    slab_kind_of<T>(),
                    static_cast<uint16_t>(trailer),
                    static_cast<uint16_t>(stride),
                    static_cast<uint16_t>(capacity),
                    slab_stock_of<T>(),
                    nullptr};
    if constexpr (slab_kind_of<T>() == SlabKind::TypeStable) {
        shape.construct = [](void* memory) { new (memory) T; };
    }
    return shape;
}

class alignas(kCacheLine) Slab {
  public:
    // In a fresh frame, for the CPU that fills it.
    Slab(const SlabShape& shape, CpuId home);

    static Slab& of(void* object) {
        return *reinterpret_cast<Slab*>(reinterpret_cast<uint64_t>(object) &
                                        ~uint64_t{kPageSize - 1});
    }
    [[nodiscard]] CpuId home() const { return home_; }
    [[nodiscard]] SlabType type() const { return type_; }
    [[nodiscard]] SlabKind kind() const { return kind_; }
    [[nodiscard]] bool has_free() const { return free_ > 0; }
    [[nodiscard]] bool empty() const { return free_ == capacity_; }
    [[nodiscard]] uint32_t free_objects() const { return free_; }
    [[nodiscard]] uint32_t capacity() const { return capacity_; }

    // By the home CPU only.
    void* take();
    void put(void* object);
    [[nodiscard]] SlabTrailer& trailer(void* object) const {
        return *reinterpret_cast<SlabTrailer*>(reinterpret_cast<uint64_t>(object) + trailer_);
    }
    // Debug: marks and checks; nothing in release builds. They stop the server at the first wrong free or write.
#ifndef NDEBUG
    void mark_live(void* object);
    void mark_free(void* object);
#else
    void mark_live(void*) {}
    void mark_free(void*) {}
#endif

  private:
    [[nodiscard]] void* object_at(uint32_t index) const {
        return reinterpret_cast<void*>(reinterpret_cast<uint64_t>(this) + kCacheLine +
                                       uint64_t{index} * stride_);
    }

  public:
    ListHook hook;  // on its home CPU's list of slabs with free objects
    RetireHook retire_hook;  // empty, and off that list

  private:
    uint64_t free_bits_ = 0;  // an object has a line at least, the header another: 63 objects at most
    uint16_t stride_, trailer_, capacity_, free_;
    CpuId home_;
    SlabType type_;
    SlabKind kind_;
};
static_assert(sizeof(Slab) == kCacheLine);

}  // namespace shoal::vm
