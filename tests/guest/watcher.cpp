// watcher: hears of ends and signals as a server does that keeps something for processes, with rs.role=manager: of processes that it has made, and
// of a program of PM's.
#include <pthread.h>
#include <sched.h>

#include <atomic>

#include "abi/kernel_call_stubs.hpp"
#include "abi/memory.hpp"
#include "abi/vm_call_stubs.hpp"
#include "libc-min/process.hpp"
#include "libc-min/system/kernel_facts.hpp"
#include "libc-min/trap.hpp"
#include "tests/guest/verdict.hpp"

namespace shoal::test {
namespace {

constexpr unsigned kThreads = 3, kProcesses = 50;
constexpr uint64_t kSlots = 1 << 16;

std::atomic<uint8_t> ends[kSlots], signals[kSlots];  // by slot, since the last look
std::atomic<unsigned> failures{0};

// As many as there are threads wait at once. They wait still when the program ends.
void* wait_for_news(void*) {
    for (;;) {
        const auto news = vm_calls::query_exit(kQueryExitWait);
        if (!news.ok() || news.value().process.raw() == 0) {
            ++failures;
            return nullptr;
        }
        const uint32_t slot = news.value().process.slot();
        (ExitNotice{news.value().what} == ExitNotice::Ended ? ends : signals)[slot].fetch_add(1, std::memory_order_release);
    }
}

// The news may be on its way to a thread.
unsigned told(std::atomic<uint8_t>& count) {
    while (count.load(std::memory_order_acquire) == 0 && failures.load() == 0) sched_yield();
    return count.exchange(0);
}

struct Process {
    Endpoint endpoint;
    ProcessId process;
};

Result<Process> make() {
    const auto made = TRY(kernel_calls::process_create(0, 0, kSelf, kSelf));
    constexpr uint64_t kDefaultQuota = 0;
    TRY(vm_calls::create(made.process, made.endpoint, kDefaultQuota));
    return Process{made.endpoint, made.process};
}

Result<void> end(const Process& process) {
    TRY(kernel_calls::process_kill(process.endpoint, 0));
    Message notice;
    if (const TrapResult heard = receive(kAny, notice); heard.error != Error::None) return heard.error;
    TRY(kernel_calls::process_reap());
    if (vm_calls::exit(process.process).error() != Error::Invalid) return Error::Invalid;  // it has not been announced
    TRY(vm_calls::willexit(process.process));
    TRY(vm_calls::exit(process.process));
    return kernel_calls::process_release(process.endpoint);
}

void watch_own(Verdict& verdict) {
    for (unsigned i = 0; i < kProcesses; ++i) {
        const Result<Process> made = make();
        if (!made.ok()) return verdict.fail("a process cannot be made: %s", error_text(made.error()));
        const ProcessId process = made.value().process;
        SHOAL_EXPECT(verdict, vm_calls::watch_exit(process).ok() && vm_calls::watch_exit(process).ok());
        SHOAL_EXPECT(verdict, vm_calls::notify_sig(process, kernel_facts().process).ok());
        SHOAL_EXPECT(verdict, told(signals[process.slot()]) == 1);
        const Result<void> ended = end(made.value());
        if (!ended.ok()) return verdict.fail("a process does not end: %s", error_text(ended.error()));
        SHOAL_EXPECT(verdict, told(ends[process.slot()]) == 1);
        SHOAL_EXPECT(verdict, vm_calls::watch_exit(process).error() == Error::NoProcess);
    }
}

void watch_a_program(Verdict& verdict) {
    const char* const arguments[] = {"hello", "seconds=1000"};
    SpawnOptions options;
    options.name = "hello";
    options.arguments = arguments;
    const Result<Endpoint> child = spawn(options);
    if (!child.ok()) return verdict.fail("the child does not start: %s", error_text(child.error()));
    const auto owner = kernel_calls::thread_process(child.value());
    if (!owner.ok()) return verdict.fail("the child has no process: %s", error_text(owner.error()));
    SHOAL_EXPECT(verdict, vm_calls::watch_exit(owner.value().process).ok());
    SHOAL_EXPECT(verdict, kill_child(child.value()).ok());
    SHOAL_EXPECT(verdict, told(ends[owner.value().process.slot()]) == 1);
    const Result<EndedChild> ended = wait_child(child.value());
    SHOAL_EXPECT(verdict, ended.ok() && ended.value().status == kKilledStatus);
}

void ask_for_what_is_wrong(Verdict& verdict) {
    SHOAL_EXPECT(verdict, vm_calls::watch_exit(kernel_facts().process).error() == Error::Invalid);
    SHOAL_EXPECT(verdict, vm_calls::query_exit(2).error() == Error::Invalid);
    const auto none = vm_calls::query_exit(0);
    SHOAL_EXPECT(verdict, none.ok() && none.value().process.raw() == 0 && none.value().more == 0);
    SHOAL_EXPECT(verdict, vm_calls::notify_sig(kernel_facts().process, ProcessId::of(kPmSlot, 1)).error() == Error::NoEntry);
}

}  // namespace
}  // namespace shoal::test

int main() {
    using namespace shoal::test;
    Verdict verdict("watcher");
    ask_for_what_is_wrong(verdict);
    for (unsigned i = 0; i < kThreads; ++i) {
        pthread_t thread;
        SHOAL_EXPECT(verdict, pthread_create(&thread, nullptr, wait_for_news, nullptr) == 0);
    }
    watch_own(verdict);
    watch_a_program(verdict);
    SHOAL_EXPECT(verdict, failures.load() == 0);
    return verdict.finish();
}
