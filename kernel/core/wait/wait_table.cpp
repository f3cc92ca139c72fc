#include "kernel/core/wait/wait_table.hpp"

#include "base/lock/guard.hpp"
#include "kernel/core/mail/post.hpp"
#include "kernel/core/objects/death.hpp"
#include "kernel/core/objects/late.hpp"
#include "kernel/core/sched/scheduler.hpp"
#include "kernel/core/space_interface.hpp"

namespace shoal::kernel {

namespace {

struct alignas(kCacheLine) WaitBucket {
    SpinLock<KernelRank::WaitBucket> lock;
    List<Thread, &Thread::queue_link> sleepers GUARDED_BY(lock);  // oldest first
};

constexpr size_t kBuckets = 1024;
constinit Late<WaitBucket> buckets[kBuckets];

WaitBucket& bucket_of(const Process& process, VirtualAddress address) {
    const uint64_t key = (address.raw() >> 2) ^ uint64_t{process.id().raw()} << 40;
    return *buckets[key * 0x9e37'79b9'7f4a'7c15 >> 54];  // Fibonacci hashing, Knuth vol. 3, 6.4
}
static_assert(kBuckets == size_t{1} << (64 - 54));

void wake(Cpu& cpu, Thread& thread) {
    thread.registers.rax = 0;
    cpu.timers.cancel(thread.timeout);
    make_ready(cpu, thread);
}

}  // namespace

Error wait_on_word(Cpu& cpu, Thread& thread, VirtualAddress address, uint32_t expected, uint64_t timeout) {
    uint32_t word;
    const Error present = space::read_user(thread, &word, address, sizeof(word));
    if (present != Error::None) return present;
    WaitBucket& bucket = bucket_of(*thread.process, address);
    {
        Guard guard{cpu.locks, bucket.lock};
        const Error again = space::read_user_now(*thread.process, &word, address, sizeof(word));
        if (again != Error::None) return Error::Interrupted;  // the page has just gone: the caller looks again
        if (word != expected) return Error::Again;
        // --- commit point ---
        thread.wait_address = address;
        thread.state = ThreadState::Sleeping;
        bucket.sleepers.push_back(thread);
    }
    const uint64_t now = machine::now();
    if (timeout != 0 && timeout < TimerQueue::kNever - now) cpu.timers.add(thread.timeout, now + timeout);  // later never comes
    block_current(cpu, thread);
    return Error::DoNotReply;
}

uint64_t wake_word(Cpu& cpu, Process& process, VirtualAddress address, uint64_t count) {
    WaitBucket& bucket = bucket_of(process, address);
    uint64_t woken = 0;
    Guard guard{cpu.locks, bucket.lock};
    for (Thread* thread = bucket.sleepers.front(); thread != nullptr && woken < count;) {
        Thread* next = bucket.sleepers.next(*thread);
        if (thread->wait_address == address && thread->process == &process) {
            bucket.sleepers.remove(*thread);
            ++woken;
            if (is_home(cpu, *thread)) {
                wake(cpu, *thread);
            } else {
                thread->wake.kind = Mail::Wake;
                post_for(thread->home_cpu(), thread->wake, thread->priority_hint.load(std::memory_order_relaxed));
            }
        }
        thread = next;
    }
    return woken;
}

void initialise_waits() {
    for (Late<WaitBucket>& bucket : buckets) bucket.construct();
}

bool leave_wait_bucket(Cpu& cpu, Thread& thread) {
    WaitBucket& bucket = bucket_of(*thread.process, thread.wait_address);
    Guard guard{cpu.locks, bucket.lock};
    if (!thread.queue_link.linked()) return false;
    bucket.sleepers.remove(thread);
    return true;
}

void wait_timed_out(Cpu& cpu, Thread& thread) {
    if (thread.state != ThreadState::Sleeping || !leave_wait_bucket(cpu, thread)) return;
    thread.set_result(Error::TimedOut);
    make_ready(cpu, thread);
}

void on_wake_mail(Cpu& cpu, Thread& thread) {
    if (thread.state == ThreadState::Dead) return node_is_back(cpu, thread);
    wake(cpu, thread);
}

}  // namespace shoal::kernel
