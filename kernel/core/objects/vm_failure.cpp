#include "kernel/core/objects/vm_failure.hpp"

#include "base/assert.hpp"
#include "kernel/core/objects/report_line.hpp"

namespace shoal::kernel {

void stop_for_vm_failure(const Thread& worker, const char* what, VirtualAddress address, uint64_t error_code) {
    const Registers& r = worker.registers;
    ReportLine line;
    line.text("VM: ").text(what).text(" at ").hex(address.raw()).text(", error ").hex(error_code);
    line.text(", worker ").hex(worker.endpoint().raw()).text("\n").print();
    const struct { const char* name; uint64_t value; } saved[] = {
        {"rip", r.rip}, {"rsp", r.rsp}, {"rbp", r.rbp}, {"rflags", r.rflags}, {"rax", r.rax}, {"rbx", r.rbx},
        {"rcx", r.rcx}, {"rdx", r.rdx}, {"rsi", r.rsi}, {"rdi", r.rdi},       {"r8 ", r.r8},  {"r9 ", r.r9},
        {"r10", r.r10}, {"r11", r.r11}, {"r12", r.r12}, {"r13", r.r13},       {"r14", r.r14}, {"r15", r.r15}};
    constexpr unsigned kPerLine = 3, kDigits = 16;
    unsigned printed = 0;
    for (const auto& entry : saved) {
        line.text(entry.name).text(" ").hex(entry.value, kDigits);
        if (++printed % kPerLine == 0) {
            line.text("\n").print();
        } else {
            line.text(" ");
        }
    }
    assertion_failed("VM never fails", __FILE__, __LINE__);
}

}  // namespace shoal::kernel
