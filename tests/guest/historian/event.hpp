// What one thread did to pages that all use, and saw of them: kept in memory, and printed at the end for a checker on the host
// (tests/model/history/event_log.hpp, which reads these lines).
#pragma once

#include <atomic>
#include <cstdint>

#include "base/error.hpp"

namespace shoal::test {

enum class Act : char { Map = 'm', Unmap = 'u', Protect = 'p', Discard = 'd', Read = 'r', Write = 'w' };

inline constexpr unsigned kWordsOfPage = 3;  // bytes at both ends of a page and between

struct Event {
    uint64_t began, ended;  // on the clock
    uint32_t page, pages;   // from the first one on that all use
    Act act;
    uint8_t word;           // Read, Write: which byte
    uint8_t protection;
    uint8_t value;          // Write: what; Read: what was seen
    Error error;
};

// A clock that orders beginnings and ends over all CPUs. seq_cst: in one order, in which each beginning precedes its end.
class EventClock {
  public:
    uint64_t tick() { return now_.fetch_add(1, std::memory_order_seq_cst); }  // pairs with itself

  private:
    std::atomic<uint64_t> now_{1};
};

// One thread's events, in memory of their own.
class EventLog {
  public:
    // Room for so many. False: there is no memory.
    bool reserve(uint64_t events);
    void add(const Event& event) { events_[count_++] = event; }
    [[nodiscard]] uint64_t count() const { return count_; }
    void print(unsigned worker) const;

  private:
    Event* events_ = nullptr;
    uint64_t count_ = 0;
};

}  // namespace shoal::test
