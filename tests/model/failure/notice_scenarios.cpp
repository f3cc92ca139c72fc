// willexit, watch_exit, query_exit, notify_sig, getrusage, rs_set_priv.
#include "tests/model/failure/scenario.hpp"

namespace shoal::model {

namespace notice_calls {
namespace {

Error watch(World& w) { return w.call(VmCall::WatchExit, {{0, w.other.raw()}}); }
Error signal(World& w) { return w.call(VmCall::NotifySig, {{0, w.other.raw()}}); }
void nothing(World&) {}
void watching(World& w) { (void)watch(w); }
void signalled(World& w) {
    watching(w);
    (void)signal(w);
}
void end_of_watched(World& w) {
    watching(w);
    (void)w.vm.exit(kCpu0, w.other);
    w.other = {};
}
Error query(World& w) { return w.call(VmCall::QueryExit, {}); }

bool waits(World& w) {
    const std::lock_guard turn(w.vm.machine.turn(kCpu1));
    vm::WorkerContext worker = w.vm.context(kCpu1);
    vm::ProcessSlot& slot = w.vm.processes().slot_at(w.caller.slot());
    const Guard guard(worker.locks(), slot.lifecycle);
    return slot.space()->watches.waiting != nullptr;
}

// The signal comes when the call waits for it.
Error query_and_wait(World& w) {
    std::atomic<bool> answered{false};
    Error error = Error::None;
    std::thread asking([&] {
        error = w.call(VmCall::QueryExit, {{0, kQueryExitWait}});
        answered = true;
    });
    while (!answered && !waits(w)) std::this_thread::yield();
    if (!answered) (void)w.vm.call(kCpu1, w.caller, VmCall::NotifySig, {{0, w.other.raw()}});
    asking.join();
    return error;
}

}  // namespace
}  // namespace notice_calls

Scenarios notice_scenarios() {
    using namespace notice_calls;
    return {
        {"willexit", VmCall::Willexit, nothing, [](World& w) { return w.call(VmCall::Willexit, {{0, w.other.raw()}}); }, Leaves::AllAsItWas, Fails::Never},
        {"watch_exit", VmCall::WatchExit, nothing, watch},
        {"watch_exit once more", VmCall::WatchExit, watching, watch},
        {"query_exit", VmCall::QueryExit, nothing, query, Leaves::AllAsItWas, Fails::Never},
        {"query_exit after a signal", VmCall::QueryExit, signalled, query, Leaves::AllAsItWas, Fails::Never},
        {"query_exit after an end", VmCall::QueryExit, end_of_watched, query, Leaves::AllAsItWas, Fails::Never},
        {"query_exit that waits", VmCall::QueryExit, watching, query_and_wait},
        {"notify_sig", VmCall::NotifySig, watching, signal, Leaves::AllAsItWas, Fails::Never},
        {"getrusage", VmCall::Getrusage, nothing, [](World& w) { return w.call(VmCall::Getrusage, {{0, w.other.raw()}}); }, Leaves::AllAsItWas, Fails::Never},
        {"rs_set_priv", VmCall::RsSetPriv, nothing,
         [](World& w) { return w.call(VmCall::RsSetPriv, {{0, w.other.raw(), ~(uint64_t{1} << static_cast<unsigned>(VmCall::Clearcache))}}); },
         Leaves::AllAsItWas, Fails::Never},
    };
}

}  // namespace shoal::model
