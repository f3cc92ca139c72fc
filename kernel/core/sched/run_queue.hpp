// RunQueue: the threads of one CPU that wait for it, first come first served within 16 priorities.
#pragma once

#include <bit>

#include "kernel/core/thread.hpp"

namespace shoal::kernel {

inline constexpr unsigned kPriorities = 16;  // 0 is the best

class RunQueue {
  public:
    void push_back(Thread& thread) {
        queues_[thread.priority].push_back(thread);
        occupied_ |= 1u << thread.priority;
        ++size_;
    }
    void push_front(Thread& thread) {
        queues_[thread.priority].push_front(thread);
        occupied_ |= 1u << thread.priority;
        ++size_;
    }
    void remove(Thread& thread) {
        queues_[thread.priority].remove(thread);
        --size_;
        if (queues_[thread.priority].empty()) occupied_ &= ~(1u << thread.priority);
    }
    // The longest waiting one of the best priority; nullptr if there is none.
    Thread* pop_best() {
        if (occupied_ == 0) return nullptr;
        Thread* thread = queues_[std::countr_zero(occupied_)].front();
        remove(*thread);
        return thread;
    }
    [[nodiscard]] bool empty() const { return occupied_ == 0; }
    // The best priority at which somebody waits; kPriorities: nobody does.
    [[nodiscard]] unsigned best() const { return occupied_ == 0 ? kPriorities : static_cast<unsigned>(std::countr_zero(occupied_)); }
    [[nodiscard]] size_t size() const { return size_; }
    [[nodiscard]] bool any_better_than(unsigned priority) const { return (occupied_ & ((1u << priority) - 1)) != 0; }
    [[nodiscard]] bool any_at(unsigned priority) const { return (occupied_ >> priority & 1) != 0; }
    // Visits until visit returns true; best priority first.
    template <typename Visit>
    void find(Visit visit) {
        for (auto& queue : queues_)
            for (Thread* thread = queue.front(); thread != nullptr; thread = queue.next(*thread))
                if (visit(*thread)) return;
    }

  private:
    uint32_t occupied_ = 0;  // bit n: queue n is not empty
    uint32_t size_ = 0;
    List<Thread, &Thread::queue_link> queues_[kPriorities];
};

}  // namespace shoal::kernel
