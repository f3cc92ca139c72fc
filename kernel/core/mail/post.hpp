// Posting to another CPU, with or without an interrupt.
#pragma once

#include "base/cpu.hpp"
#include "kernel/core/mail/mail_node.hpp"

namespace shoal::kernel {

class Cpu;

// Interrupts the target, whatever it runs; one that idles may be listening. Stops, flushes, and whatever somebody waits for.
void post_now(CpuId target, MailNode& node);
// Interrupts the target only if it sleeps or runs at a priority no better than `priority`: something that a thread of that
// priority is to see. Otherwise the target finds it when it next schedules, before that thread could run.
void post_for(CpuId target, MailNode& node, unsigned priority);
// Handles everything in this CPU's mailbox.
void handle_mail(Cpu& cpu);

}  // namespace shoal::kernel
