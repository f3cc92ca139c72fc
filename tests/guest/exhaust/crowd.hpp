// Crowd: children that do the same at once, one after the other pinned to each CPU.
#pragma once

#include "libc-min/process.hpp"

namespace shoal::test {

class Crowd {
  public:
    static constexpr unsigned kMost = 32;

    // what: the child's only argument. quota_pages: 0 for the default.
    Crowd(unsigned wanted, const char* what, uint64_t quota_pages = 0);
    ~Crowd() { end(); }
    Crowd(const Crowd&) = delete;
    Crowd& operator=(const Crowd&) = delete;

    [[nodiscard]] unsigned size() const { return size_; }
    // Waits for all; calls visit(status) for each.
    template <typename Visit>
    void wait(Visit visit) {
        for (; size_ > 0; --size_) {
            const Result<EndedChild> ended = wait_child(members_[size_ - 1]);
            visit(ended.ok() ? ended.value().status : -1);
        }
    }
    // Kills those that are left.
    void end();

  private:
    Endpoint members_[kMost];
    unsigned size_ = 0;
};

// On every CPU something that maps, touches and unmaps, as long as it lives.
class Load : public Crowd {
  public:
    Load();
};

// A child of this program, on that CPU.
Result<Endpoint> start_child(const char* what, uint64_t cpu, uint64_t quota_pages = 0);

}  // namespace shoal::test
