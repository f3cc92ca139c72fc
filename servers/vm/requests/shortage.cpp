#include "servers/vm/requests/shortage.hpp"

#include "abi/trap.hpp"
#include "servers/vm/cache/evictor.hpp"
#include "servers/vm/calls/range_operation.hpp"
#include "servers/vm/fault/fault_message.hpp"
#include "servers/vm/platform/platform.hpp"
#include "servers/vm/requests/lent_areas.hpp"
#include "servers/vm/requests/leaf_trim.hpp"
#include "servers/vm/requests/parking.hpp"

namespace shoal::vm {

namespace {

constexpr uint64_t kEvictedAtOnce = 256;  // pages of the cache
constexpr uint64_t kPlenty = 4 * kPagesPerLeaf;  // free frames beyond which memory is not what failed

bool plenty(const WorkerContext& context) { return context.worker.arena->frame_pool->free_frames() > kPlenty; }

}  // namespace

void dispose(WorkerContext& context, RetireHook& hook) {
    switch (static_cast<Retired>(hook.deleter())) {
        case Retired::Slab:
            context.slabs().release(*owner_of<Slab, RetireHook, &Slab::retire_hook>(&hook));
            return;
        case Retired::Leaf:
            --context.desk.graces;
            LeafTrim::free_leaf(context, *owner_of<Leaf, RetireHook, &Leaf::retire_hook>(&hook));
            return;
        case Retired::Attachment:
            return context.slabs().destroy(owner_of<Attachment, RetireHook, &Attachment::retire_hook>(&hook));
        case Retired::MemoryObject:
            return context.slabs().destroy(owner_of<MemoryObject, RetireHook, &MemoryObject::retire_hook>(&hook));
        case Retired::PageBlock:
            return context.slabs().destroy(owner_of<PageBlock, RetireHook, &PageBlock::retire_hook>(&hook));
        case Retired::TrimRequest:
        case Retired::ExitRequest:
            --context.desk.graces;
            context.desk.push_ready(*owner_of<Request, RetireHook, &Request::grace>(&hook));
            return;
    }
}

void stock_up(WorkerContext& context) {
    // A machine without memory for it serves what it can.
    (void)RangeOperation::reserve(context);
    context.frames().keep_stock();
}

bool drain(WorkerContext& context) {
    // A process that pays for too many tables is not helped by what is cached.
    const bool enough = plenty(context) || evict(context, kEvictedAtOnce) == kEvictedAtOnce;
    context.slabs().drain();
    context.worker.reclaimer.expedite([&](RetireHook& hook) { dispose(context, hook); });
    context.frames().drain();
    reclaim_areas(context);
    return enough;
}

namespace {

// One; where pages are cached, so many that a round, which gives up a few of them for each CPU, has come around most of them.
bool had_its_rounds(WorkerContext& context, const Receipt& receipt) {
    constexpr uint8_t kMostRounds = 64;
    return receipt.rounds > 0 && (receipt.rounds >= kMostRounds || !anything_cached(context));
}

ProcessId payer_of(const Receipt& receipt) {
    const bool of_kernel = (receipt.status & kFromKernel) != 0;
    return of_kernel ? FaultMessage(receipt.message).process : ProcessId{static_cast<uint32_t>(receipt.message.words[kVmCallerWord])};
}

// Whether a process has hardly any quota left, and a good part of what it pays for are empty leaves, which a round gives up. A part: so that it has to make as many anew
// before it can trouble the others again.
bool pays_for_nothing(WorkerContext& context, const Receipt& receipt) {
    constexpr uint64_t kPart = 8;
    constexpr uint64_t kSpare = 16;
    Space* space = context.find(payer_of(receipt));
    if (space == nullptr || space->quota.limit().raw() > space->quota.charged().raw() + kSpare) return false;
    uint64_t empty = 0;
    space->leaves.for_each_in(Space::everything(), [&](Leaf& leaf) {
        Guard guard(context.locks(), leaf.lock);
        empty += leaf.resident == 0 ? 1 : 0;
    });
    return empty > 0 && empty * kPart >= space->quota.charged().raw();
}

// Whether a round of draining may help.
bool worth_waiting(WorkerContext& context, const Receipt& receipt) {
    if (had_its_rounds(context, receipt)) return false;
    // With plenty it was the quota, or addresses: no use in troubling the others, as a rule.
    return !plenty(context) || pays_for_nothing(context, receipt);
}

void wait_for_round(WorkerContext& context, Request& request) {
    ++request.receipt.rounds;
    Shortage& shortage = context.processes.shortage();
    {
        Guard guard(context.locks(), shortage.lock);
        park(request, shortage.waiting);
        shortage.begin();
    }
    for (uint32_t cpu = 0; cpu < context.processes.cpus(); ++cpu)
        if (CpuId::from(cpu) != context.cpu()) platform::call_worker(CpuId::from(cpu));
    answer_shortage(context);
}

}  // namespace

bool wait_for_memory(WorkerContext& context, const Receipt& receipt) {
    if (!worth_waiting(context, receipt)) return false;
    (void)drain(context);
    // The upper half of the stock: a crowd that waits for memory leaves what gives it back the other half.
    if (!context.slabs().ensure_from_stock<Request>(Request::kStock / 2).ok()) return false;
    wait_for_round(context, *context.slabs().create_reserved<Request>(RequestKind::Again, receipt, context.cpu()));
    return true;
}

bool wait_for_neighbours(WorkerContext& context, Request& request) {
    if (had_its_rounds(context, request.receipt)) return false;
    wait_for_round(context, request);
    return true;
}

bool wait_for_memory(WorkerContext& context, Request& request) {
    if (!worth_waiting(context, request.receipt)) return false;
    wait_for_round(context, request);
    return true;
}

namespace {

// Whether this worker has begun what will end by itself: flushes, grace periods, long requests.
bool something_under_way(WorkerContext& context) {
    const RequestDesk& desk = context.desk;
    bool found = desk.posted != nullptr || desk.unposted != nullptr || desk.graces > 0 || desk.range_operations > 0 ||
                 context.worker.reclaimer.pending() > 0;
    desk.for_each_chain([&](const Request* request) {
        for (; request != nullptr; request = request->next)
            found = found || (request->kind != RequestKind::Again && request->kind != RequestKind::Held);
    });
    return found;
}

}  // namespace

bool hold(WorkerContext& context, const Receipt& receipt) {
    RequestDesk& desk = context.desk;
    // A Resume receives from all: a second call may come while one is held. That one takes what it finds.
    if (desk.holding) return false;
    desk.held.receipt = receipt;
    desk.held.owner = desk.held.answerer = context.cpu();
    desk.holding = true;
    context.worker.reclaimer.expedite([&](RetireHook& hook) { dispose(context, hook); });
    if (something_under_way(context)) desk.push_ready(desk.held);
    else desk.holding = wait_for_memory(context, desk.held);
    return desk.holding;
}

void answer_shortage(WorkerContext& context) {
    const uint64_t round = context.processes.shortage().round();
    if (context.desk.drained_round.load(std::memory_order_relaxed) == round) return;
    if (!drain(context)) begin_eviction(context, kEvictedAtOnce);
    LeafTrim::start(context, round);
}

void end_trim(WorkerContext& context) {
    (void)drain(context);
    Shortage& shortage = context.processes.shortage();
    Request* served = nullptr;
    {
        Guard guard(context.locks(), shortage.lock);
        context.desk.drained_round.store(context.desk.trim_round, std::memory_order_relaxed);
        for (uint32_t cpu = 0; cpu < context.processes.cpus(); ++cpu) {
            const RequestDesk& desk = context.processes.shard(CpuId::from(cpu)).desk;
            if (desk.drained_round.load(std::memory_order_relaxed) < shortage.round()) break;
            if (cpu + 1 < context.processes.cpus()) continue;
            served = shortage.waiting;
            shortage.waiting = nullptr;
        }
    }
    release_all(context, served);
    answer_shortage(context);  // another round may have begun meanwhile
}

}  // namespace shoal::vm
