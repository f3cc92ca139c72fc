#include "tests/model/reference/notices.hpp"

#include <algorithm>

namespace shoal::model {

// Once, until it is asked for; an end takes the place of a signal.
void ReferenceNotices::tell(ProcessName watcher, ProcessName about, ExitNotice what) {
    std::vector<News>& all = news_[watcher];
    const auto told = std::find_if(all.begin(), all.end(), [&](const News& news) { return news.process == about; });
    if (told != all.end()) {
        told->what = what;
        return;
    }
    all.push_back({about, what});
    if (waiting(watcher) == 0) return;
    --waiting_[watcher];
    answers_[watcher].push_back(take(watcher));
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
    answers_.erase(process);
    waiting_.erase(process);
}

ReferenceNotices::News ReferenceNotices::take(ProcessName watcher) {
    std::vector<News>& all = news_[watcher];
    if (all.empty()) return {};
    News oldest = all.front();
    all.erase(all.begin());
    oldest.more = !all.empty();
    return oldest;
}

bool ReferenceNotices::await(ProcessName watcher, News& news) {
    news = take(watcher);
    if (news.process == 0) ++waiting_[watcher];
    return news.process != 0;
}

ReferenceNotices::News ReferenceNotices::answered(ProcessName watcher) {
    std::vector<News>& all = answers_[watcher];
    if (all.empty()) return {};
    const News first = all.front();
    all.erase(all.begin());
    return first;
}

unsigned ReferenceNotices::waiting(ProcessName watcher) const {
    const auto found = waiting_.find(watcher);
    return found == waiting_.end() ? 0 : found->second;
}

}  // namespace shoal::model
