#include "kernel/core/ipc/probe.hpp"

#include "kernel/core/ipc/send.hpp"
#include "kernel/core/mail/post.hpp"
#include "kernel/core/objects/death.hpp"
#include "kernel/core/objects/tables.hpp"
#include "kernel/core/sched/scheduler.hpp"

namespace shoal::kernel {

namespace {

// Whom a thread of this CPU waits for; kNone if for nobody in particular, or no longer: a withdrawn send is about to end.
// Per-CPU servers never wait for a client.
Endpoint waits_for(const Thread& thread) {
    const bool withdrawn = thread.withdrawn.load(std::memory_order_relaxed) != 0;
    if (thread.state == ThreadState::Sending) return withdrawn ? kNone : thread.sending_to;
    if (thread.state != ThreadState::Receiving) return kNone;
    return thread.receive_from.raw() >> 31 != 0 ? kNone : thread.receive_from;
}

struct Walk {
    Endpoint initiator;
    bool initiator_sends;
    uint64_t newest;  // waits stamped later are none of this cycle
    uint32_t hops;
    Thread* at;       // next to be looked at
};

// Two threads of which one sends to the other and that one receives from it wait for nothing but the delivery.
bool is_meeting(const Walk& walk) {
    return walk.hops == 1 && walk.initiator_sends != (walk.at->state == ThreadState::Sending);
}

// Goes on while the chain stays on this CPU; walk.at is then the first thread elsewhere. A chain longer than the number of
// threads runs in a circle that does not hold the initiator: one of its members has to report it.
Chain walk_here(Cpu& cpu, Walk& walk) {
    for (; walk.hops <= tables.threads.size(); ++walk.hops) {
        if (!is_home(cpu, *walk.at)) return Chain::Leaves;
        const Endpoint next = waits_for(*walk.at);
        if (next == kNone || walk.at->wait_stamp > walk.newest) return Chain::Ends;
        if (next == walk.initiator) return is_meeting(walk) ? Chain::Ends : Chain::Cycle;
        walk.at = find_thread(next);
        if (walk.at == nullptr) return Chain::Ends;
    }
    return Chain::Ends;
}

void send_home(Cpu& cpu, Thread& initiator, bool cycle) {
    initiator.probe.cycle = cycle;
    if (is_home(cpu, initiator)) return on_probe_home(cpu, initiator);
    initiator.probe.kind = Mail::ProbeHome;
    post_now(initiator.home_cpu(), initiator.probe);
}

void go_on(Cpu& cpu, Thread& initiator, Thread* at) {
    Thread::ProbeNode& probe = initiator.probe;
    Walk walk{probe.initiator, probe.initiator_sends, probe.stamp, probe.hops, at};
    const Chain chain = at == nullptr ? Chain::Ends : walk_here(cpu, walk);
    if (chain != Chain::Leaves) return send_home(cpu, initiator, chain == Chain::Cycle);
    probe.hops = walk.hops;
    probe.kind = Mail::Probe;
    probe.target = walk.at->endpoint();
    post_now(walk.at->home_cpu(), probe);
}

void report_cycle(Cpu& cpu, Thread& initiator) {
    if (waits_for(initiator) == kNone || initiator.wait_stamp > initiator.probe.stamp) return;
    if (initiator.state == ThreadState::Sending) return withdraw(cpu, initiator, Error::Locked);
    initiator.clear(kFinishingSendReceive);
    initiator.set_result(Error::Locked);
    make_ready(cpu, initiator);
}

}  // namespace

Chain follow_chain(Cpu& cpu, const Thread& initiator, const Thread& partner, ChainStart start) {
    Walk walk{initiator.endpoint(), start == ChainStart::Sending, ~uint64_t{0}, 1, &tables.threads[slot_of(partner)]};
    return walk_here(cpu, walk);
}

void start_probe(Thread& initiator) {
    const Endpoint name = initiator.endpoint();
    // Sequentially consistent, as release() and the exchange in on_probe_home(): either we get the node or its return
    // finds our wish.
    if (!initiator.probe.claim(name)) {
        initiator.probe.again.store(true, std::memory_order_seq_cst);  // pairs with on_probe_home()
        if (!initiator.probe.claim(name)) return;
    }
    const bool sends = initiator.state == ThreadState::Sending;
    initiator.probe.initiator = name;
    initiator.probe.initiator_sends = sends;
    initiator.probe.hops = 1;
    initiator.probe.stamp = probe_clock.fetch_add(1, std::memory_order_seq_cst);  // pairs with probe_clock_now()
    // By mail even if the partner lives here: what was posted to this CPU before the clock moved is handled first, so the walk
    // takes nobody for waiting whose answer lies in the mailbox.
    initiator.probe.kind = Mail::Probe;
    initiator.probe.target = sends ? initiator.sending_to : initiator.receive_from;
    post_now(thread_slot(initiator.probe.target)->home_cpu(), initiator.probe);
}

void on_probe(Cpu& cpu, Thread& initiator) { go_on(cpu, initiator, find_thread(initiator.probe.target)); }

void on_probe_home(Cpu& cpu, Thread& initiator) {
    if (initiator.state == ThreadState::Dead) return node_is_back(cpu, initiator);  // after which its slot may be another CPU's
    if (initiator.probe.cycle && initiator.endpoint() == initiator.probe.initiator) report_cycle(cpu, initiator);
    give_back(cpu, initiator, initiator.probe);
    const bool again = initiator.probe.again.exchange(false, std::memory_order_seq_cst);  // pairs with start_probe()
    if (again && waits_for(initiator) != kNone) start_probe(initiator);
}

}  // namespace shoal::kernel
