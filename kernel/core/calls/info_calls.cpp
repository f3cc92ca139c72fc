// Kernel call info.
#include "kernel/core/boot.hpp"

#include <cstring>

#include "abi/kernel_call_dispatch.hpp"
#include "abi/kernel_info.hpp"
#include "kernel/core/boot_facts.hpp"
#include "kernel/core/machine.hpp"
#include "kernel/core/objects/process_table.hpp"
#include "kernel/core/space_interface.hpp"

namespace shoal::kernel::calls {

namespace {

void copy_text(char* to, const char* from, size_t room) {
    for (size_t i = 0; i + 1 < room && from[i] != 0; ++i) to[i] = from[i];
}

}  // namespace

Result<void> info(Thread& caller, const InfoArguments& arguments) {
    if (arguments.bytes < sizeof(KernelInfo)) return Error::Invalid;
    Cpu& cpu = machine::this_cpu();
    const SlotCounts used = slots_in_use();
    KernelInfo facts{};
    facts.self = caller.endpoint();
    facts.process = caller.process->id();
    facts.cpus = static_cast<uint32_t>(tables.cpus.size());
    facts.cpu = cpu.id.raw();
    facts.tsc_khz = boot_facts.tsc_khz;
    facts.process_slots = tables.processes.size();
    facts.processes = used.processes;
    facts.thread_slots = tables.threads.size();
    facts.threads = used.threads;
    facts.kernel_frames = boot_facts.kernel_frames;
    copy_text(facts.command_line, boot_facts.command_line, sizeof(facts.command_line));
    return space::write_user(caller, arguments.address, &facts, sizeof(facts));
}

}  // namespace shoal::kernel::calls
