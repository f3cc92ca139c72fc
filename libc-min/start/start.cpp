// Where every program begins: System V's initial stack (x86-64 psABI 3.4.1) is taken apart, the first thread gets its block and
// variables, constructors run, then main.
#include <new>

#include "abi/kernel_call_stubs.hpp"
#include "abi/kernel_info.hpp"
#include "base/assert.hpp"
#include "libc-min/boot_line.hpp"
#include "libc-min/include/stdlib.h"
#include "libc-min/start/environment.hpp"
#include "libc-min/thread/platform.hpp"
#include "libc-min/thread/thread_block.hpp"
#include "libc-min/trap.hpp"

extern "C" {
int main(int argument_count, char** arguments, char** environment);

// The linker's list of constructors.
using Initializer = void (*)(int, char**, char**);
extern const Initializer __init_array_start[] __attribute__((visibility("hidden")));
extern const Initializer __init_array_end[] __attribute__((visibility("hidden")));
}

namespace shoal::libc {

char** environment;

namespace {

// The first thread's block and variables: enough for most programs, so that servers start without asking VM for memory.
constexpr size_t kFirstAreaBytes = 2048;
alignas(64) constinit char first_area[kFirstAreaBytes];

char* area_of_first_thread(size_t bytes) {
    if (bytes <= kFirstAreaBytes) return first_area;
    void* mapping = platform::map_pages((bytes + kPageSize - 1) / kPageSize * kPageSize);
    if (mapping == nullptr) (void)kernel_calls::process_exit(EXIT_FAILURE);
    return static_cast<char*>(mapping);
}

// Before this nothing may use errno, locks that know their owner, or the heap.
void set_up_first_thread() {
    const TlsImage tls = TlsImage::of_program();
    char* area = area_of_first_thread(tls.bytes_below_block() + sizeof(ThreadBlock));
    auto* block = new (area + tls.bytes_below_block()) ThreadBlock;
    tls.initialize_below(block);
    (void)kernel_calls::thread_tls(reinterpret_cast<uint64_t>(block));
    KernelInfo info;
    (void)kernel_calls::info(VirtualAddress{reinterpret_cast<uint64_t>(&info)}, sizeof info);
    block->endpoint = info.self;
    trap_by_interrupt = boot_line_has(info.command_line, "ipc=trap");
}

}  // namespace

extern "C" [[noreturn, gnu::used]] void shoal_start(uint64_t* stack) {
    const auto argument_count = static_cast<int>(stack[0]);
    auto** arguments = reinterpret_cast<char**>(stack + 1);
    environment = arguments + argument_count + 1;
    set_up_first_thread();
    for (const Initializer* each = __init_array_start; each != __init_array_end; ++each)
        (*each)(argument_count, arguments, environment);
    exit(main(argument_count, arguments, environment));
}

}  // namespace shoal::libc

extern "C" [[gnu::naked]] void _start() {
    asm("xor %ebp, %ebp\n"  // the psABI's mark of the outermost frame
        "mov %rsp, %rdi\n"
        "and $-16, %rsp\n"
        "call shoal_start\n"
        "ud2\n");
}
