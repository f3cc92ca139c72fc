// FoughtOver: one thread's random operations on the pages that all use, logged.
#pragma once

#include "tests/guest/historian/event.hpp"
#include "tests/guest/random.hpp"

namespace shoal::test {

class FoughtOver {
  public:
    FoughtOver(EventClock& clock, EventLog& log, Random& random) : clock_(clock), log_(log), random_(random) {}

    // Once for all threads: what they use themselves is mapped, and granted to this process.
    static Error open(EventClock& clock, EventLog& log);
    // At most so many events.
    static constexpr unsigned kMostEvents = 2;
    void do_something();

  private:
    void change(Event event, uint64_t before);
    void access_once(Event event);
    void access_open(Event event);
    void access_fenced(Event event);

    EventClock& clock_;
    EventLog& log_;
    Random& random_;
};

}  // namespace shoal::test
