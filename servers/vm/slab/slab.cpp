#include "servers/vm/slab/slab.hpp"

#include <bit>

namespace shoal::vm {
namespace {

#ifndef NDEBUG
constexpr uint64_t kLive = 0x5ca1ab1e'0b1ec700, kFree = 0xdeadc0de'f2eef2ee;
constexpr unsigned char kJunk = 0xd5;

uint64_t canary(uint64_t state, const void* object) {
    return state ^ reinterpret_cast<uint64_t>(object);
}
#endif

}  // namespace

Slab::Slab(const SlabShape& shape, CpuId home)
    : stride_(shape.stride),
      trailer_(shape.trailer),
      capacity_(shape.capacity),
      free_(shape.capacity),
      home_(home),
      type_(shape.type),
      kind_(shape.kind) {
    for (uint32_t i = 0; i < capacity_; ++i) {
        free_bits_ |= uint64_t{1} << i;
        if (kind_ == SlabKind::TypeStable) shape.construct(object_at(i));
        new (&trailer(object_at(i))) SlabTrailer{};
#ifndef NDEBUG
        if (kind_ == SlabKind::Ordinary) __builtin_memset(object_at(i), kJunk, trailer_);
        trailer(object_at(i)).canary = canary(kFree, object_at(i));
#endif
    }
}

void* Slab::take() {
    SHOAL_ASSERT(free_ > 0);
    const auto index = static_cast<uint32_t>(std::countr_zero(free_bits_));
    free_bits_ &= free_bits_ - 1;
    --free_;
    return object_at(index);
}

void Slab::put(void* object) {
    const uint64_t offset =
        reinterpret_cast<uint64_t>(object) - reinterpret_cast<uint64_t>(object_at(0));
    const uint64_t index = offset / stride_;
    SHOAL_CHECK(index < capacity_ && offset % stride_ == 0 && (free_bits_ >> index & 1) == 0);
    free_bits_ |= uint64_t{1} << index;
    ++free_;
}

#ifndef NDEBUG

void Slab::mark_live(void* object) {
    SHOAL_ASSERT(trailer(object).canary == canary(kFree, object) &&
                 "slab object's canary overwritten");
    if (kind_ == SlabKind::Ordinary) {
        const auto* bytes = static_cast<const unsigned char*>(object);
        for (uint32_t i = 0; i < trailer_; ++i)
            SHOAL_ASSERT(bytes[i] == kJunk && "slab object written after free");
    }
    trailer(object).canary = canary(kLive, object);
}

void Slab::mark_free(void* object) {
    SHOAL_ASSERT(trailer(object).canary != canary(kFree, object) && "slab object freed twice");
    SHOAL_ASSERT(trailer(object).canary == canary(kLive, object) &&
                 "slab object overrun, or not one");
    if (kind_ == SlabKind::Ordinary) __builtin_memset(object, kJunk, trailer_);
    trailer(object).canary = canary(kFree, object);
}

#endif

}  // namespace shoal::vm
