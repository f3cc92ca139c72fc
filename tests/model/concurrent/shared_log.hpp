// What one CPU saw of the shared pages. Each worker writes its own; the checker reads them after all have ended.
#pragma once

#include <atomic>
#include <map>
#include <vector>

#include "tests/model/history/page_history.hpp"

namespace shoal::model {

// A clock that orders beginnings and ends over all CPUs.
class EventClock {
  public:
    // Sequentially consistent: a total order in which each operation's begin precedes its end.
    uint64_t tick() { return now_.fetch_add(1, std::memory_order_seq_cst); }

  private:
    std::atomic<uint64_t> now_{1};
};

using SharedLog = std::vector<PageEvent>;

// The events of all logs by space and page.
using PageKey = std::pair<uint8_t, uint64_t>;
inline std::map<PageKey, std::vector<PageEvent>> by_page(const std::vector<SharedLog>& logs) {
    std::map<PageKey, std::vector<PageEvent>> pages;
    for (const SharedLog& log : logs)
        for (const PageEvent& event : log) {
            const uint64_t page = event.operation.address & ~uint64_t{kPageSize - 1};
            pages[{event.operation.space, page}].push_back(event);
        }
    return pages;
}

}  // namespace shoal::model
