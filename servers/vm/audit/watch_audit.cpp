#include "servers/vm/audit/parts.hpp"

namespace shoal::vm {

namespace {

// In the tree of whom it watches. No worker runs, so no lock is needed.
bool is_watched_by(WorkerContext& context, const Watch& watch) {
    ProcessSlot* slot = context.processes.slot(watch.watched);
    const Space* space = slot == nullptr ? nullptr : slot->space();
    return space != nullptr && space->process() == watch.watched && space->watches.watchers.find(watch.watcher.raw()) == &watch;
}

}  // namespace

void audit_watches(WorkerContext& context, Space& space, Ledger& ledger) {
    Watches& watches = space.watches;
    const auto enter = [&](const Watch& watch, bool news) {
        const bool ended = watch.notice == ExitNotice::Ended;
        if (watch.watcher != space.process() || (watch.notice != ExitNotice::None) != news || is_watched_by(context, watch) == ended)
            ledger.report.fault("a watch is not where it belongs", watch.watcher.raw(), watch.watched.raw());
        if (ended) ledger.enter_objects(SlabType::Watch);
        else ledger.enter_watch();
    };
    watches.quiet.for_each([&](const Watch& watch) { enter(watch, false); });
    watches.notices.for_each([&](const Watch& watch) { enter(watch, true); });
    watches.watchers.for_each([&](const Watch&) { ledger.expect_watch(); });
    enter_requests(watches.waiting, ledger);
}

}  // namespace shoal::vm
