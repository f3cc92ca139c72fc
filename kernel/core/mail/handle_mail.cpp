// Each kind of mail to its handler. Requests to a thread that has moved follow it.
#include "kernel/core/ipc/async.hpp"
#include "kernel/core/ipc/notify.hpp"
#include "kernel/core/ipc/probe.hpp"
#include "kernel/core/ipc/send.hpp"
#include "kernel/core/ipc/worker.hpp"
#include "kernel/core/mail/post.hpp"
#include "kernel/core/objects/death.hpp"
#include "kernel/core/objects/hold.hpp"
#include "kernel/core/objects/stopped_children.hpp"
#include "kernel/core/objects/tables.hpp"
#include "kernel/core/sched/migration.hpp"
#include "kernel/core/sched/scheduler.hpp"
#include "kernel/core/space_interface.hpp"
#include "kernel/core/wait/wait_table.hpp"

namespace shoal::kernel {

namespace {

void on_affinity(Cpu& cpu, Thread& asker) {
    Thread* target = find_thread(asker.request.target);
    if (target != nullptr) apply_affinity(cpu, *target, asker.request.value);
    conclude_send(cpu, asker, target != nullptr ? Error::None : Error::DeadEndpoint);
}

void on_resume_mail(Cpu& cpu, Thread& thread) {
    const Thread::ResumeNode& node = thread.resume;
    [[maybe_unused]] const bool handled = resume_thread(cpu, node.target, node.sequence, node.outcome);
    SHOAL_ASSERT(handled);  // the thread's home is here
    give_back(cpu, thread, thread.resume);
}

// Where the thread lives, or lived last, for whose sake this was posted; kAnyHome if it does not depend on a thread.
constexpr uint16_t kAnyHome = 0xffff;

uint16_t where(const MailNode& node) {
    switch (node.kind) {
        case Mail::Send:
        case Mail::SendNonBlocking:
        case Mail::Notify:
        case Mail::Affinity:
        case Mail::Withdraw:
        case Mail::Probe:
        case Mail::AsyncOffer:
        case Mail::AsyncPull:
        case Mail::ResumeAsked:
            return thread_slot(node.target)->home_cpu().raw();
        case Mail::Reply:
        case Mail::AsyncOffered:
        case Mail::Resume:
        case Mail::Stop:
        case Mail::Hold:
        case Mail::Withdrawn:  // the sender may have gone on, and moved, since
        case Mail::ProbeHome:  // likewise the initiator
            return node.thread->home_cpu().raw();
        default:
            return kAnyHome;
    }
}

void handle(Cpu& cpu, MailNode& node) {
    switch (node.kind) {
        case Mail::Send: return on_send(cpu, *node.thread);
        case Mail::SendNonBlocking: return on_send_non_blocking(cpu, *node.thread);
        case Mail::Notify: return on_notify(cpu, *node.thread);
        case Mail::Completed: return on_completed(cpu, *node.thread);
        case Mail::Reply: return on_reply(cpu, *node.thread);
        case Mail::Withdraw: return on_withdraw(cpu, *node.thread);
        case Mail::Withdrawn: return on_withdrawn(cpu, *node.thread);
        case Mail::Probe: return on_probe(cpu, *node.thread);
        case Mail::ProbeHome: return on_probe_home(cpu, *node.thread);
        case Mail::AsyncOffer: return on_async_offer(cpu, *node.thread);
        case Mail::AsyncOffered: return on_async_offered(cpu, *node.thread);
        case Mail::AsyncPull: return on_async_pull(cpu, *node.thread);
        case Mail::Stop: return on_stop(cpu, *node.thread);
        case Mail::Hold: return on_hold(cpu, *node.thread);
        case Mail::Start: return start_thread(cpu, *node.thread);
        case Mail::Arrive: return arrive(cpu, *node.thread);
        case Mail::Resume: return on_resume_mail(cpu, *node.thread);
        case Mail::ResumeAsked: return on_resume_asked(cpu, *node.thread);
        case Mail::Wake: return on_wake_mail(cpu, *node.thread);
        case Mail::Affinity: return on_affinity(cpu, *node.thread);
        case Mail::Steal: return give_away(cpu, static_cast<Cpu::StealNode&>(node));
        case Mail::StealHome: return steal_is_home(cpu);
        case Mail::PartnerDied: return on_partner_died(cpu, *node.thread);
        case Mail::ManagerNotice: return on_manager_notice(cpu, node);
        case Mail::WorkerMessage: return on_worker_message(cpu, static_cast<WorkerMessage&>(node));
        case Mail::Space: return space::on_mail(cpu, node);
        case Mail::None: break;
    }
    SHOAL_CHECK(false && "mail of no kind");
}

}  // namespace

void handle_mail(Cpu& cpu) {
    MailNode* node = cpu.mailbox.take_all();
    while (node != nullptr) {
        MailNode* next = node->next;  // the handler may post the node again
        const uint16_t home = where(*node);
        if (home == kAnyHome || home == cpu.id.raw()) {
            handle(cpu, *node);
        } else {
            post_now(CpuId{home}, *node);
        }
        node = next;
    }
}

}  // namespace shoal::kernel
