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
        {"notify_sig", VmCall::NotifySig, watching, signal, Leaves::AllAsItWas, Fails::Never},
        {"getrusage", VmCall::Getrusage, nothing, [](World& w) { return w.call(VmCall::Getrusage, {{0, w.other.raw()}}); }, Leaves::AllAsItWas, Fails::Never},
        {"rs_set_priv", VmCall::RsSetPriv, nothing,
         [](World& w) { return w.call(VmCall::RsSetPriv, {{0, w.other.raw(), ~(uint64_t{1} << static_cast<unsigned>(VmCall::Clearcache))}}); },
         Leaves::AllAsItWas, Fails::Never},
    };
}

}  // namespace shoal::model
