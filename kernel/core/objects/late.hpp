// Late<T>: a global that is constructed by initialise(). The kernel runs no static constructors, and GCC 12 leaves a constinit
// array zero where its elements hold pointers to themselves, as lists do.
#pragma once

#include <new>

namespace shoal::kernel {

template <typename T>
class Late {
  public:
    void construct() { new (&storage_) T; }
    T& operator*() { return *std::launder(reinterpret_cast<T*>(&storage_)); }
    T* operator->() { return &**this; }

  private:
    alignas(T) unsigned char storage_[sizeof(T)] = {};
};

}  // namespace shoal::kernel
