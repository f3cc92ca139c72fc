#include "servers/vm/notices/exit_notices.hpp"

#include <utility>

#include "servers/vm/notices/watch.hpp"

namespace shoal::vm {

namespace {

OrderKey key_of(ProcessId process) { return OrderKey::of_space(process.slot()); }

// The lifecycle locks of two processes' slots.
class SlotPair {
  public:
    SlotPair(WorkerContext& context, ProcessId a, ProcessId b)
        : guard_(context.locks(), context.processes.slot(a)->lifecycle, key_of(a), context.processes.slot(b)->lifecycle, key_of(b)) {}

  private:
    PairGuard<VmRank::Lifecycle> guard_;
};

// Under the slot's lifecycle lock: the process' space, though it may be ending; nullptr: it has ended.
Watches* watches_of(WorkerContext& context, ProcessId process) {
    Space* space = context.processes.slot(process)->space();
    return space != nullptr && space->process() == process ? &space->watches : nullptr;
}

// Under both slots' locks. Who is to go on.
Request* bring_news(Watches& watcher, Watch& watch, ExitNotice what) {
    const bool told = watch.notice != ExitNotice::None;
    watch.notice = what;
    if (told) return nullptr;
    watcher.quiet.remove(watch);
    watcher.notices.push_back(watch);
    Request* woken = watcher.waiting;
    if (woken == nullptr) return nullptr;
    watcher.waiting = woken->next;
    woken->next = nullptr;
    return woken;
}

// The first one who watches the process, of those from `from` on; 0: nobody does.
ProcessId watcher_from(WorkerContext& context, ProcessId process, uint32_t from) {
    ProcessSlot& slot = *context.processes.slot(process);
    Guard guard(context.locks(), slot.lifecycle);
    const Watches* watches = watches_of(context, process);
    const Watch* watch = watches == nullptr ? nullptr : watches->watchers.ceiling(from);
    return watch == nullptr ? ProcessId{} : watch->watcher;
}

// NoEntry: he does not watch it, or no longer.
Result<void> signal_one(WorkerContext& context, ProcessId process, ProcessId watcher) {
    Request* woken = nullptr;
    {
        SlotPair slots(context, process, watcher);
        Watches* watched = watches_of(context, process);
        Watch* watch = watched == nullptr ? nullptr : watched->watchers.find(watcher.raw());
        if (watch == nullptr) return Error::NoEntry;
        woken = bring_news(*watches_of(context, watcher), *watch, ExitNotice::Signal);
    }
    release_all(context, woken);
    return {};
}

void tell_end(WorkerContext& context, Space& space, ProcessId watcher) {
    Request* woken = nullptr;
    {
        SlotPair slots(context, space.process(), watcher);
        Watch* watch = space.watches.watchers.find(watcher.raw());
        if (watch == nullptr) return;  // the watcher has ended meanwhile
        space.watches.watchers.remove(*watch);
        woken = bring_news(*watches_of(context, watcher), *watch, ExitNotice::Ended);
    }
    release_all(context, woken);
}

// The next one whose end, or signal, the space's process does not want to hear of any more; the news of an end goes at once. 0: nothing is left.
ProcessId next_watched(WorkerContext& context, Space& space) {
    Watches& watches = space.watches;
    Guard guard(context.locks(), context.processes.slot(space.process())->lifecycle);
    while (Watch* news = watches.notices.front()) {
        if (news->notice != ExitNotice::Ended) return news->watched;
        watches.notices.remove(*news);
        context.slabs().destroy(news);
    }
    const Watch* quiet = watches.quiet.front();
    return quiet == nullptr ? ProcessId{} : quiet->watched;
}

void unwatch(WorkerContext& context, Space& space, ProcessId watched) {
    SlotPair slots(context, space.process(), watched);
    Watches* of = watches_of(context, watched);
    Watch* watch = of == nullptr ? nullptr : of->watchers.find(space.process().raw());
    if (watch == nullptr) return;  // it has ended meanwhile, and that is news
    of->watchers.remove(*watch);
    (watch->notice == ExitNotice::None ? space.watches.quiet : space.watches.notices).remove(*watch);
    context.slabs().destroy(watch);
}

}  // namespace

Result<void> watch_process(WorkerContext& context, ProcessId watcher, ProcessId watched) {
    SHOAL_ASSERT(watcher != watched);
    ProcessSlot* of = context.processes.slot(watched);
    ProcessSlot* by = context.processes.slot(watcher);
    if (of == nullptr || by == nullptr || of == by) return Error::NoProcess;  // one after the other in one slot: one has ended
    TRY(context.slabs().ensure<Watch>(1));
    SlotPair slots(context, watcher, watched);
    Space* own = by->find(watcher);
    Space* other = of->find(watched);
    if (own == nullptr || other == nullptr) return Error::NoProcess;
    if (other->watches.watchers.find(watcher.raw()) != nullptr) return {};
    // --- commit point ---
    Watch* watch = context.slabs().create_reserved<Watch>(watcher, watched);
    other->watches.watchers.insert(*watch);
    own->watches.quiet.push_back(*watch);
    return {};
}

Result<Notice> take_notice(WorkerContext& context, ProcessId watcher, Waiter waiter) {
    ProcessSlot& slot = *context.processes.slot(watcher);
    const bool can_wait = waiter.anybody() && context.slabs().ensure<Request>(1).ok();
    Notice notice;
    Guard guard(context.locks(), slot.lifecycle);
    Space* space = slot.find(watcher);
    if (space == nullptr) return Error::NoProcess;
    Watches& watches = space->watches;
    Watch* news = watches.notices.pop_front();
    if (news != nullptr) {
        notice = {news->watched, news->notice, !watches.notices.empty()};
        news->notice = ExitNotice::None;
        if (notice.what == ExitNotice::Ended) context.slabs().destroy(news);
        else watches.quiet.push_back(*news);
        return notice;
    }
    if (!waiter.anybody()) return notice;
    if (!can_wait) return Error::NoMemory;
    waiter.park(context, watches.waiting);
    return Error::DoNotReply;
}

Result<void> notify_signal(WorkerContext& context, ProcessId process, ProcessId watcher) {
    if (context.find(process) == nullptr) return Error::NoProcess;
    if (watcher.raw() != 0) {
        const bool another = context.processes.slot(watcher) != nullptr && watcher.slot() != process.slot();
        return another ? signal_one(context, process, watcher) : Error::NoEntry;
    }
    for (ProcessId next = watcher_from(context, process, 0); next.raw() != 0; next = watcher_from(context, process, next.raw() + 1))
        (void)signal_one(context, process, next);
    return {};
}

namespace {

void move_all(Watches& from, Watches& to) {
    while (Watch* watch = from.watchers.first()) {
        from.watchers.remove(*watch);
        to.watchers.insert(*watch);
    }
    while (Watch* watch = from.quiet.pop_front()) to.quiet.push_back(*watch);
    while (Watch* watch = from.notices.pop_front()) to.notices.push_back(*watch);
    to.waiting = std::exchange(from.waiting, nullptr);
}

}  // namespace

void swap_watches(Watches& a, Watches& b) {
    Watches kept;
    move_all(a, kept);
    move_all(b, a);
    move_all(kept, b);
}

// First the watchers': nobody watches it any more. Then nothing is left that could bring it news while it lets go of its own.
void end_watches(WorkerContext& context, Space& space) {
    const ProcessId process = space.process();
    for (ProcessId next = watcher_from(context, process, 0); next.raw() != 0; next = watcher_from(context, process, 0))
        tell_end(context, space, next);
    for (ProcessId next = next_watched(context, space); next.raw() != 0; next = next_watched(context, space)) unwatch(context, space, next);
    Request* waiting = nullptr;
    {
        Guard guard(context.locks(), context.processes.slot(process)->lifecycle);
        waiting = std::exchange(space.watches.waiting, nullptr);
    }
    release_all(context, waiting);
}

}  // namespace shoal::vm
