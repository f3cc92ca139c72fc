// The end of a process that did what cannot be served, with a message that names address, kind, program and backtrace.
#include "abi/pm_calls.hpp"
#include "kernel/core/ipc/worker.hpp"
#include "kernel/core/objects/death.hpp"
#include "kernel/core/objects/report_line.hpp"
#include "kernel/core/process.hpp"
#include "kernel/core/space_interface.hpp"

namespace shoal::kernel {

namespace {

constexpr unsigned kDeepest = 16;

// By frame pointers (System V ABI for x86-64, 3.2.2): at RBP the caller's RBP, above it the return address. Frames must lie
// ever higher, else the chain is broken.
void print_backtrace(ReportLine& line, Thread& thread) {
    line.text("  backtrace:").text(" ").hex(thread.registers.rip);
    uint64_t frame = thread.registers.rbp;
    for (unsigned depth = 0; depth < kDeepest && frame != 0; ++depth) {
        uint64_t words[2];
        if (space::read_user_now(*thread.process, words, VirtualAddress{frame}, sizeof(words)) != Error::None) break;
        if (words[1] == 0) break;
        line.text(" ").hex(words[1]);
        if (words[0] <= frame) break;
        frame = words[0];
    }
    line.text("\n").print();
}

}  // namespace

void kill_for_fault(Cpu& cpu, Thread& thread, const char* kind, VirtualAddress address) {
    ReportLine line;
    line.text("shoal: ").text(thread.process->title).text(" killed: ").text(kind);
    line.text(" at address ").hex(address.raw()).text(", instruction ").hex(thread.registers.rip).text("\n").print();
    print_backtrace(line, thread);
    kill_process(cpu, *thread.process, kFaultedStatus);
}

}  // namespace shoal::kernel
