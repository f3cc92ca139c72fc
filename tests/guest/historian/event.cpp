#include "tests/guest/historian/event.hpp"

#include <stdio.h>
#include <sys/mman.h>

namespace shoal::test {

bool EventLog::reserve(uint64_t events) {
    void* memory = mmap(nullptr, events * sizeof(Event), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return false;
    events_ = static_cast<Event*>(memory);
    return true;
}

void EventLog::print(unsigned worker) const {
    for (uint64_t i = 0; i < count_; ++i) {
        const Event& e = events_[i];
        printf("history %u %c %u %u %u %u %u %u %lu %lu\n", worker, static_cast<char>(e.act), e.page, e.pages, e.word, e.protection, e.value,
               static_cast<unsigned>(e.error), e.began, e.ended);
    }
}

}  // namespace shoal::test
