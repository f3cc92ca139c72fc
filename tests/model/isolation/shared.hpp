// Shared: plain data that a child process writes and its parent reads when the child has ended, however it ended.
#pragma once

#include <sys/mman.h>

#include <cstdlib>
#include <type_traits>

namespace shoal::model {

template <typename T>
class Shared {
  public:
    static_assert(std::is_trivially_copyable_v<T>);
    // `count` objects, all bytes zero. Memory is taken as they are written.
    explicit Shared(size_t count = 1) : bytes_(count * sizeof(T)) {
        void* made = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (made == MAP_FAILED) std::abort();
        objects_ = static_cast<T*>(made);
    }
    ~Shared() { munmap(objects_, bytes_); }
    Shared(const Shared&) = delete;
    Shared& operator=(const Shared&) = delete;

    T& operator[](size_t index) { return objects_[index]; }
    T& operator*() { return *objects_; }
    T* operator->() { return objects_; }

  private:
    size_t bytes_;
    T* objects_;
};

}  // namespace shoal::model
