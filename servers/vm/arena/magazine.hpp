// Magazine: a CPU's bounded stack of free things. Filled and emptied by halves, which keeps the property of Bonwick's two
// magazines: at least half a magazine of calls lies between two visits to the pool.
#pragma once

#include <cstdint>

#include "base/assert.hpp"

namespace shoal::vm {

template <typename T, uint32_t kCapacity>
class Magazine {
  public:
    [[nodiscard]] bool empty() const { return size_ == 0; }
    [[nodiscard]] bool full() const { return size_ == kCapacity; }
    [[nodiscard]] uint32_t size() const { return size_; }
    [[nodiscard]] uint32_t room() const { return kCapacity - size_; }

    void push(T item) {
        SHOAL_ASSERT(!full());
        items_[size_++] = item;
    }
    T pop() {
        SHOAL_ASSERT(!empty());
        return items_[--size_];
    }
    // Where the pool puts up to room() more; pushed() then says how many it has.
    T* tail() { return items_ + size_; }
    void pushed(uint32_t count) {
        SHOAL_ASSERT(count <= room());
        size_ += count;
    }
    // The oldest, which are the coldest in the cache; removed() drops them.
    [[nodiscard]] const T* oldest() const { return items_; }
    [[nodiscard]] const T& operator[](uint32_t index) const { return items_[index]; }
    void removed(uint32_t count) {
        SHOAL_ASSERT(count <= size_);
        size_ -= count;
        for (uint32_t i = 0; i < size_; ++i) items_[i] = items_[i + count];
    }

  private:
    uint32_t size_ = 0;
    T items_[kCapacity];
};

}  // namespace shoal::vm
