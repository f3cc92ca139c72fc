#include "kernel/core/mail/post.hpp"

#include "kernel/core/cpu.hpp"
#include "kernel/core/machine.hpp"
#include "kernel/core/sched/scheduler.hpp"

namespace shoal::kernel {

void post_now(CpuId target, MailNode& node) {
    Cpu& cpu = machine::cpu(target);
    const Attention attention = cpu.mailbox.post(node);
    Cpu& self = machine::this_cpu();
    if (&cpu == &self) {
        need_choice(self);  // next_thread() looks into the mailbox before anybody runs
    } else if (attention != Attention::Listening) {
        machine::wake(target);
    }
}

void post_for(CpuId target, MailNode& node, unsigned priority) {
    Cpu& cpu = machine::cpu(target);
    const Attention attention = cpu.mailbox.post(node);
    Cpu& self = machine::this_cpu();
    if (&cpu == &self) {
        need_choice(self);
    } else if (attention != Attention::Listening && cpu.published.load(std::memory_order_seq_cst) >= priority) {  // pairs with Cpu::publish()
        machine::wake(target);
    }
}

}  // namespace shoal::kernel
