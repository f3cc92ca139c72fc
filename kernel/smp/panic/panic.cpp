// The protocol of a panic. owner: the CPU whose panic it is, 0 while there is none, else number + 1; the first one wins. turn:
// the CPU that may print, number + 1; it takes the turn by adding kPrinting and hands it back by setting 0. The owner takes a
// turn away that nobody took.
//
// (a) At most one CPU prints at a time, after the first line, unless one stops in the middle of its backtrace. (b) A CPU that
// does not answer costs a bounded wait. Progress: the owner's, always; nobody else's matters.
#include "kernel/smp/panic/panic.hpp"

#include <atomic>
#include <cstdarg>

#include "base/assert.hpp"
#include "kernel/smp/console/console.hpp"
#include "kernel/smp/panic/backtrace.hpp"
#include "kernel/smp/panic/end.hpp"
#include "kernel/smp/console/format.hpp"
#include "kernel/smp/x86/instructions.hpp"

namespace shoal::smp {
namespace {

// Time stamps to wait for a CPU that does not begin, and for one that does not end. Seconds: an emulator's CPU may be without a
// processor of its host for so long.
constexpr uint64_t kPatience = 6'000'000'000, kPatienceWithPrinting = 30'000'000'000;
constexpr uint32_t kPrinting = uint32_t{1} << 31;

constinit PanicHooks hooks{nullptr, nullptr, 1};
constinit std::atomic<uint32_t> owner{0};
constinit std::atomic<uint32_t> turn{0};
constinit char reason[256] = {};  // the owner's

uint32_t this_cpu_word() {
    return hooks.this_cpu == nullptr ? 1 : uint32_t{hooks.this_cpu().raw()} + 1;
}

void print_own_backtrace(uint32_t word, const StoppedAt& where) {
    console::print("CPU %u, stack %016lx:\n", word - 1, where.stack);
    print_backtrace(where);
}

// Whether the turn changed in time.
bool wait_while_turn_is(uint32_t value, uint64_t patience) {
    const uint64_t start = x86::read_tsc();
    while (turn.load(std::memory_order_acquire) == value) {  // pairs with the release in stop_for_panic()
        if (x86::read_tsc() - start > patience) return false;
        x86::pause();
    }
    return true;
}

// Whether the CPU has begun to print.
bool offer_turn(uint32_t word) {
    turn.store(word, std::memory_order_release);  // pairs with the acquire in stop_for_panic(): our lines are out
    if (wait_while_turn_is(word, kPatience)) return true;
    uint32_t offered = word;
    return !turn.compare_exchange_strong(offered, 0, std::memory_order_relaxed);  // of the turn itself; no lines of its
}

void let_others_print(uint32_t own_word) {
    for (uint32_t word = 1; word <= hooks.cpus; ++word) {
        if (word == own_word) continue;
        if (!offer_turn(word)) console::print("CPU %u does not answer\n", word - 1);
        else if (!wait_while_turn_is(word | kPrinting, kPatienceWithPrinting))
            console::print("CPU %u stopped in its backtrace\n", word - 1);
    }
}

// Every panic comes through here once: the place for a break point, hence never inlined (docs/debugging.md).
[[noreturn, gnu::noinline, gnu::noclone]] void panic_by_owner(uint32_t word, const StoppedAt& where) {
    console::break_lock();
    if (hooks.stop_others != nullptr) hooks.stop_others();
    console::print("\nPANIC: %s\n", reason);
    print_own_backtrace(word, where);
    let_others_print(word);
    end_after_panic();
}

[[noreturn]] void panic_again(const char* pattern, va_list arguments) {
    char second[sizeof reason];
    format_to(second, sizeof second, pattern, arguments);
    console::print("\nPANIC: %s\nPANIC while that was reported: %s\n", reason, second);
    end_after_panic();
}

[[noreturn]] void begin(const StoppedAt& where, const char* pattern, va_list arguments) {
    asm volatile("cli");
    const uint32_t word = this_cpu_word();
    uint32_t nobody = 0;
    // Relaxed is enough: what the owner prints is its own, and the others only halt.
    if (owner.compare_exchange_strong(nobody, word, std::memory_order_relaxed)) {
        format_to(reason, sizeof reason, pattern, arguments);
        panic_by_owner(word, where);
    }
    if (nobody == word) panic_again(pattern, arguments);
    stop_for_panic(where);
}

}  // namespace

void panic(const char* format, ...) {
    uint64_t stack;
    asm volatile("mov %%rsp, %0" : "=r"(stack));
    va_list arguments;
    va_start(arguments, format);
    begin({0, reinterpret_cast<uint64_t>(__builtin_frame_address(0)), stack}, format, arguments);
}

void panic_at(const StoppedAt& where, const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    begin(where, format, arguments);
}

void set_panic_hooks(const PanicHooks& supplied) { hooks = supplied; }

bool panicking() { return owner.load(std::memory_order_relaxed) != 0; }

void stop_for_panic(const StoppedAt& where) {
    const uint32_t word = this_cpu_word();
    if (word != owner.load(std::memory_order_relaxed)) {
        uint32_t offered = word;
        // Acquire pairs with the release in offer_turn().
        while (!turn.compare_exchange_weak(offered, word | kPrinting, std::memory_order_acquire)) {
            offered = word;
            x86::pause();
        }
        print_own_backtrace(word, where);
        turn.store(0, std::memory_order_release);  // pairs with wait_while_turn_is(): our lines are out
    }
    x86::halt_forever();
}

}  // namespace shoal::smp

namespace shoal {

void assertion_failed(const char* expression, const char* file, int line) {
    smp::panic("assertion failed: %s (%s:%d)", expression, file, line);
}

}  // namespace shoal
