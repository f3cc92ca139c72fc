// Where VM's workers begin, one on each CPU, with that CPU's number in RDI (kernel/core/boot.hpp). Worker 0 builds the arena;
// the others wait for it, declare themselves, and all serve. RS is started last, when its faults can be served.
#include <atomic>

#include "servers/vm/audit/line.hpp"
#include "servers/vm/main/boot.hpp"
#include "servers/vm/main/worker_loop.hpp"

#include "abi/kernel_call_stubs.hpp"
#include "base/assert.hpp"
#include "libc-min/boot_line.hpp"
#include "libc-min/trap.hpp"

namespace shoal {

void assertion_failed(const char* expression, const char* file, int line) {
    vm::AuditLine text;
    text.text("vm: assertion failed: ").text(expression).text(" at ").text(file).text(" line ");
    text.number(static_cast<uint64_t>(line)).text("\n").print();
    for (;;) (void)kernel_calls::process_exit(1);
}

namespace vm {
namespace {

constinit std::atomic<ArenaHeader*> arena{nullptr};

[[noreturn]] void fail(const char* what, Error error) {
    AuditLine text;
    text.text("vm: ").text(what).text(": ").text(error_text(error)).text("\n").print();
    for (;;) (void)kernel_calls::process_exit(1);
}

ArenaHeader& boot_arena(const BootInfo& info) {
    if (info.magic != BootInfo::kMagic) fail("no boot information", Error::Invalid);
    ArenaHeader* header = make_arena(info);
    if (header == nullptr) fail("cannot lay out the arena", Error::NoMemory);
    return *header;
}

ArenaHeader& wait_for_arena() {
    ArenaHeader* header;
    // acquire pairs with the release in vm_worker_main(): the arena is laid out
    while ((header = arena.load(std::memory_order_acquire)) == nullptr) __builtin_ia32_pause();
    return *header;
}

}  // namespace

extern "C" [[noreturn, gnu::used]] void vm_worker_main(uint64_t cpu) {
    const auto& info = *reinterpret_cast<const BootInfo*>(kBootInfoAddress);
    ArenaHeader& header = cpu == 0 ? boot_arena(info) : wait_for_arena();
    WorkerContext context(header.workers[cpu], *header.processes);
    if (cpu == 0) {
        trap_by_interrupt = boot_line_has(info.command_line, "ipc=trap");
        if (const Result<void> started = start_rs(context, info); !started.ok()) fail("cannot start RS", started.error());
        arena.store(&header, std::memory_order_release);  // pairs with wait_for_arena()
    }
    if (boot_line_has(info.command_line, "vm.trace=calls")) serve_and_trace(context);
    serve(context);
}

}  // namespace vm
}  // namespace shoal

// The stack is 16-aligned; a call makes it what the ABI wants at a function's entry.
extern "C" [[gnu::naked]] void _start() { asm("call vm_worker_main"); }
