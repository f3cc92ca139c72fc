#include "tests/model/reference/notices.hpp"

#include <algorithm>

namespace shoal::model {

// Once, until it is asked for; an end takes the place of a signal.
void ReferenceNotices::tell(ProcessName watcher, ProcessName about, ExitNotice what) {
    std::vector<News>& all = news_[watcher];
    const auto told = std::find_if(all.begin(), all.end(), [&](const News& news) { return news.process == about; });
    if (told == all.end()) all.push_back({about, what});
    else told->what = what;
}

Error ReferenceNotices::signal(ProcessName watched, ProcessName watcher) {
    if (!watchers_[watched].contains(watcher)) return Error::NoEntry;
    tell(watcher, watched, ExitNotice::Signal);
    return Error::None;
}

void ReferenceNotices::signal_all(ProcessName watched) {
    for (const ProcessName watcher : watchers_[watched]) tell(watcher, watched, ExitNotice::Signal);
}

void ReferenceNotices::end(ProcessName process) {
    for (const ProcessName watcher : watchers_[process]) tell(watcher, process, ExitNotice::Ended);
    watchers_.erase(process);
    for (auto& [watched, watchers] : watchers_) watchers.erase(process);
    news_.erase(process);
}

ReferenceNotices::News ReferenceNotices::take(ProcessName watcher) {
    std::vector<News>& all = news_[watcher];
    if (all.empty()) return {};
    News oldest = all.front();
    all.erase(all.begin());
    oldest.more = !all.empty();
    return oldest;
}

}  // namespace shoal::model
