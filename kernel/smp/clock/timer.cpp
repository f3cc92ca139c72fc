#include "kernel/smp/clock/timer.hpp"

#include <algorithm>

#include "kernel/core/machine.hpp"
#include "kernel/smp/apic/local_apic.hpp"
#include "kernel/smp/apic/vectors.hpp"
#include "kernel/smp/clock/clock.hpp"
#include "kernel/smp/clock/median.hpp"
#include "kernel/smp/clock/scale.hpp"
#include "kernel/smp/console/console.hpp"
#include "kernel/smp/features/features.hpp"
#include "kernel/smp/local/cpu_local.hpp"
#include "kernel/smp/panic/panic.hpp"
#include "kernel/smp/x86/instructions.hpp"
#include "kernel/smp/x86/msr.hpp"

namespace shoal::smp::timer {
namespace {

using kernel::machine::kNoDeadline;

constexpr uint64_t kLongestCount = 0xffff'ffff;
constexpr uint64_t kFarthest = uint64_t{1} << 60;  // [ns], 36 years: no conversion overflows

struct State {
    bool by_deadline = false;
    uint64_t hertz = 0;      // of the local APIC's counter, divided as it runs
    Scale to_ticks;
    uint64_t longest_wait = 0;  // [ns] that one shot reaches
};
constinit State state;

struct Sample {
    uint64_t time, ticks;
};

// Clock and counter at one moment: of some tries the one in which reading took least.
Sample read_both() {
    constexpr unsigned kTries = 5;
    Sample best{};
    uint64_t least = ~uint64_t{0};
    for (unsigned i = 0; i < kTries; ++i) {
        const uint64_t before = clock::now();
        const uint64_t ticks = kLongestCount - local_apic::remaining_ticks();
        const uint64_t after = clock::now();
        if (after - before >= least) continue;
        least = after - before;
        best = {before + (after - before) / 2, ticks};
    }
    return best;
}

uint64_t measure_once() {
    constexpr uint64_t kSpan = 10'000'000;  // [ns]
    local_apic::start_one_shot(kLongestCount);
    const Sample start = read_both();
    clock::delay(kSpan);
    const Sample end = read_both();
    local_apic::start_one_shot(0);
    return multiply_divide(end.ticks - start.ticks, kNanosecondsPerSecond, end.time - start.time);
}

// The hardware alone: fires at or after the time, or after longest_wait if that is earlier.
void arm(uint64_t deadline) {
    if (state.by_deadline) {
        x86::write_msr(x86::Msr::TscDeadline, clock::tsc_at(std::min(deadline, kFarthest)));
        return;
    }
    const uint64_t time = clock::now();
    const uint64_t wait = deadline > time ? std::min(deadline - time, state.longest_wait) : 0;
    local_apic::start_one_shot(static_cast<uint32_t>(state.to_ticks.apply(wait) + 1));
}

void stop() {
    if (state.by_deadline)
        x86::write_msr(x86::Msr::TscDeadline, 0);
    else
        local_apic::start_one_shot(0);
}

// A clock that wraps is read in time: by the boot CPU, which never lets its timer rest for longer.
uint64_t at_latest(uint64_t deadline) {
    if (clock::longest_gap() == ~uint64_t{0} || local().id.raw() != 0) return deadline;
    return std::min(deadline, clock::now() + clock::longest_gap() / 2);
}

}  // namespace

void calibrate() {
    constexpr unsigned kRuns = 5;
    local_apic::set_timer_mode(local_apic::TimerMode::OneShot, kTimerVector);
    uint64_t runs[kRuns];
    for (uint64_t& run : runs) run = measure_once();
    state.hertz = median(runs);
    if (state.hertz == 0) panic("the local APIC's timer does not count");
    state.to_ticks = Scale::ratio(state.hertz, kNanosecondsPerSecond);
    state.longest_wait = multiply_divide(kLongestCount / 2, kNanosecondsPerSecond, state.hertz);
}

void choose() {
    state.by_deadline = features().used().tsc_deadline && clock::source() == clock::Source::Tsc;
}

void set_up() {
    const auto mode = state.by_deadline ? local_apic::TimerMode::TscDeadline
                                        : local_apic::TimerMode::OneShot;
    local_apic::set_timer_mode(mode, kTimerVector);
    set(kNoDeadline);
}

void set(uint64_t deadline) {
    local().timer_deadline = deadline;
    const uint64_t armed = at_latest(deadline);
    if (armed == kNoDeadline)
        stop();
    else
        arm(armed);
}

bool expired() {
    const uint64_t deadline = local().timer_deadline;
    if (deadline != kNoDeadline && clock::now() >= deadline) {
        set(kNoDeadline);
        return true;
    }
    set(deadline);
    return false;
}

void log_choice() {
    console::log(LogLevel::Info, "timer: local APIC at %lu.%03lu MHz%s", state.hertz / 1'000'000,
                 state.hertz / 1000 % 1000, state.by_deadline ? ", TSC deadline used" : "");
}

}  // namespace shoal::smp::timer

namespace shoal::kernel::machine {

void set_timer(uint64_t deadline_nanoseconds) {
    smp::timer::set(deadline_nanoseconds);
}

}  // namespace shoal::kernel::machine
