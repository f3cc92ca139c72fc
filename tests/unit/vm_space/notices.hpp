// The calls of exit notices, for tests.
#pragma once

#include <ostream>

#include "servers/vm/notices/exit_notices.hpp"
#include "tests/support/vm/harness.hpp"

namespace shoal::vm::test {

// An answer of query_exit.
struct News {
    Error error = Error::None;
    ProcessId process;
    ExitNotice what = ExitNotice::None;
    bool more = false;
    bool operator==(const News&) const = default;
};
inline std::ostream& operator<<(std::ostream& out, const News& news) {
    return out << error_text(news.error) << ", process " << news.process.raw() << ", notice " << static_cast<uint64_t>(news.what) << (news.more ? ", more" : "");
}

inline News news_of(const Message& answer) {
    if (answer.outcome() != Error::None) return {answer.outcome(), {}, ExitNotice::None, false};
    return {Error::None, ProcessId{static_cast<uint32_t>(answer.words[1])}, ExitNotice{answer.words[2]}, answer.words[3] != 0};
}

inline Error watch(Harness& vm, CpuId cpu, ProcessId by, ProcessId of) { return vm.call(cpu, by, VmCall::WatchExit, {{0, of.raw()}}).outcome(); }
// By who manages processes.
inline Error signal(Harness& vm, CpuId cpu, ProcessId of, ProcessId to) {
    return vm.call(cpu, ProcessId::of(kPmSlot, 1), VmCall::NotifySig, {{0, of.raw(), to.raw()}}).outcome();
}
inline News query(Harness& vm, CpuId cpu, ProcessId by, uint64_t flags = 0) { return news_of(vm.call(cpu, by, VmCall::QueryExit, {{0, flags}})); }

}  // namespace shoal::vm::test
