// Forbidden things, each tried by a child, which has to end as one that faulted.
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <cstdint>

#include "abi/kernel_info.hpp"
#include "base/address.hpp"
#include "libc-min/process.hpp"
#include "tests/guest/machine/probes.hpp"

namespace shoal::test {
namespace {

constexpr uint64_t kNotCanonical = uint64_t{1} << 47, kKernelText = 0xffff'ffff'8010'0000,
                   kDirectMap = 0xffff'8000'0000'0000, kCpuLocal = 0xffff'ffff'c000'1000;

void load(uint64_t address) {
    asm volatile("mov (%0), %%rax" : : "r"(address) : "rax", "memory");
}
void jump(uint64_t address) {
    asm volatile("jmp *%0" : : "r"(address));
}
void jump_to_data() {
    auto* page = static_cast<uint8_t*>(mmap(nullptr, kPageSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    page[0] = 0xc3;  // ret
    reinterpret_cast<void (*)()>(page)();
}
// Reads a return address and a selector of 0 from a page that is not there yet.
void far_return_on_absent_stack() {
    char* page = static_cast<char*>(mmap(nullptr, kPageSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    asm volatile("mov %0, %%rsp; lretq" : : "r"(page) : "memory");
}
void set_trap_flag(const char* what) {
    const bool by_system_call = strcmp(what, "step-syscall") == 0;
    if (by_system_call)
        asm volatile("pushfq; orq $0x100, (%%rsp); popfq; syscall" : : "a"(0), "D"(0) : "rcx", "r11", "memory");
    else
        asm volatile("pushfq; orq $0x100, (%%rsp); popfq; nop; nop" : : : "memory");
}

struct Probe {
    const char* name;
    void (*run)(const char* name);
};
constexpr Probe kProbes[] = {
    {"read-kernel-text", [](const char*) { load(kKernelText); }},
    {"read-direct-map", [](const char*) { load(kDirectMap); }},
    {"read-cpu-local", [](const char*) { load(kCpuLocal); }},
    {"read-not-canonical", [](const char*) { load(kNotCanonical); }},
    {"jump-kernel", [](const char*) { jump(kKernelText); }},
    {"jump-not-canonical", [](const char*) { jump(kNotCanonical); }},
    {"jump-data", [](const char*) { jump_to_data(); }},
    {"step", set_trap_flag},
    {"step-syscall", set_trap_flag},
    {"cli", [](const char*) { asm volatile("cli"); }},
    {"hlt", [](const char*) { asm volatile("hlt"); }},
    {"in", [](const char*) { asm volatile("inb $0x60, %%al" : : : "rax"); }},
    {"out", [](const char*) { asm volatile("outb %%al, $0x80" : : "a"(0)); }},
    {"read-cr3", [](const char*) { asm volatile("mov %%cr3, %%rax" : : : "rax"); }},
    {"rdmsr", [](const char*) { asm volatile("rdmsr" : : "c"(0xc0000082) : "rax", "rdx"); }},
    {"swapgs", [](const char*) { asm volatile("swapgs"); }},
    {"int-page-fault", [](const char*) { asm volatile("int $14"); }},
    {"int-wake", [](const char*) { asm volatile("int $0xf0"); }},
    {"int3", [](const char*) { asm volatile("int3"); }},
    {"int1", [](const char*) { asm volatile(".byte 0xf1"); }},
    {"load-ss", [](const char*) { asm volatile("mov %0, %%ss" : : "r"(0x10)); }},
    {"far-return", [](const char*) { asm volatile("pushq $0x08; pushq $0; lretq"); }},
    {"iret-kernel", [](const char*) { asm volatile("pushq $0x10; pushq $0; pushq $2; pushq $8; pushq $0; iretq"); }},
    {"iret-not-canonical",
     [](const char*) {
         asm volatile("pushq $0x1b; pushq %%rsp; pushq $0x202; pushq $0x23; pushq %0; iretq" : : "r"(kNotCanonical));
     }},
    {"far-return-absent-stack", [](const char*) { far_return_on_absent_stack(); }},
    {"far-return-no-stack", [](const char*) { asm volatile("mov $0x10000, %%esp; lretq" : : : "memory"); }},
};

void expect_fault(Verdict& verdict, const char* what) {
    char argument[48];
    snprintf(argument, sizeof argument, "child=%s", what);
    const char* const arguments[] = {"machine", argument};
    SpawnOptions options;
    options.name = "machine";
    options.arguments = arguments;
    const Result<Endpoint> child = spawn(options);
    if (!child.ok()) return verdict.fail("%s: spawn: %s", what, error_text(child.error()));
    const Result<EndedChild> ended = wait_child(child.value());
    if (!ended.ok()) return verdict.fail("%s: wait: %s", what, error_text(ended.error()));
    if (ended.value().status != kFaultedStatus)
        verdict.fail("%s ended with status %ld, not by its fault", what, ended.value().status);
}

}  // namespace

int run_probe(const char* what) {
    for (const Probe& probe : kProbes)
        if (strcmp(what, probe.name) == 0) probe.run(what);
    return kSurvived;
}

void test_forbidden(Verdict& verdict) {
    for (const Probe& probe : kProbes) expect_fault(verdict, probe.name);
}

}  // namespace shoal::test
