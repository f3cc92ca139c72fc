// Who hears of whose end, and of whose signals: for each process what it watches, and its news, the oldest first.
#pragma once

#include <map>
#include <set>
#include <vector>

#include "abi/memory.hpp"
#include "tests/model/operation.hpp"
#include "tests/model/reference/joint_memory.hpp"

namespace shoal::model {

class ReferenceNotices {
  public:
    void watch(ProcessName watcher, ProcessName watched) { watchers_[watched].insert(watcher); }
    // NoEntry: that one does not watch it.
    Error signal(ProcessName watched, ProcessName watcher);
    void signal_all(ProcessName watched);
    // Both as watcher and as watched.
    void end(ProcessName process);

    struct News {
        ProcessName process = 0;  // 0: none
        ExitNotice what = ExitNotice::None;
        bool more = false;
    };
    News take(ProcessName watcher);
    // Likewise, but where there is none a thread of the watcher waits: each piece of news is for one of them. False: it waits.
    bool await(ProcessName watcher, News& news);
    // What one of them has been told, the first first.
    News answered(ProcessName watcher);
    [[nodiscard]] unsigned waiting(ProcessName watcher) const;

  private:
    void tell(ProcessName watcher, ProcessName about, ExitNotice what);

    std::map<ProcessName, std::set<ProcessName>> watchers_;  // of each
    std::map<ProcessName, std::vector<News>> news_, answers_;
    std::map<ProcessName, unsigned> waiting_;
};

}  // namespace shoal::model
