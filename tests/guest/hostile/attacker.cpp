#include "tests/guest/hostile/attacker.hpp"

#include <string.h>

#include <cstdint>

#include "abi/kernel_call_stubs.hpp"
#include "abi/memory.hpp"
#include "abi/pm_calls.hpp"
#include "abi/vm_call_stubs.hpp"
#include "base/address.hpp"
#include "libc-min/trap.hpp"

namespace shoal::test {
namespace {

alignas(kPageSize) char buffer[4 * kPageSize];
SpawnRequest spawn_request;

// Where kernels have been caught: the edges of the address space, of the canonical hole, of the window, of words.
constexpr uint64_t kBadAddresses[] = {
    0,
    1,
    kPageSize - 1,
    kUserTop - 1,
    kUserTop,
    kUserTop + kPageSize - 8,
    uint64_t{1} << 47,
    (uint64_t{1} << 63) - 8,
    0xffff'8000'0000'0000,
    0xffff'ffff'8000'0000,
    0xffff'ffff'c000'0000,
    ~uint64_t{0},
    ~uint64_t{0} - 7,
    ~uint64_t{0} - kPageSize + 1,
    0x1000'0000'0000,
    0x2000'0000'0000,
    0x7000'0000,
};

constexpr uint64_t kLengths[] = {
    0,     1,     7,      8,         64,        kPageSize - 1,           kPageSize,
    3 * kPageSize,    1 << 21, (1 << 21) + 1, uint64_t{1} << 30, uint64_t{1} << 46, kUserTop,
    uint64_t{1} << 63, ~uint64_t{0}, ~uint64_t{0} - kPageSize + 1, ~uint64_t{0} - kPageSize + 2,
};

constexpr Endpoint kEndpoints[] = {kAny, kNone, kSelf, kKernel, kClock, kVm, kRs, kPm};

constexpr uint64_t kTrapLimit = 40;

bool ends_caller(uint64_t number) {
    return number == static_cast<uint64_t>(KernelCall::ProcessExit) ||
           number == static_cast<uint64_t>(KernelCall::ThreadExit);
}

}  // namespace

uint64_t Attacker::address() {
    switch (random_.below(4)) {
        case 0: return random_.pick<uint64_t>(kBadAddresses);
        case 1: return random_.next() >> random_.below(64);
        default: return reinterpret_cast<uint64_t>(buffer) + random_.below(sizeof buffer);
    }
}

uint64_t Attacker::length() {
    return random_.one_in(3) ? random_.below(2 * kPageSize) : random_.pick<uint64_t>(kLengths);
}

uint64_t Attacker::word() {
    switch (random_.below(4)) {
        case 0: return address();
        case 1: return length();
        case 2: return random_.below(16);
        default: return random_.next();
    }
}

Endpoint Attacker::endpoint() {
    if (random_.one_in(2)) return random_.pick<Endpoint>(kEndpoints);
    if (random_.one_in(2))
        return Endpoint::of(static_cast<uint32_t>(random_.below(64)),
                            static_cast<uint16_t>(random_.below(4)));
    return Endpoint{static_cast<uint32_t>(random_.next())};
}

Message Attacker::message() {
    Message message;
    for (uint64_t& each : message.words) each = word();
    return message;
}

void Attacker::kernel_call() {
    const uint64_t number = random_.below(kKernelCallLimit + 4);
    if (ends_caller(number) && !random_.one_in(100)) return;
    Message arguments = message();
    if (random_.one_in(2)) arguments.words[1] = endpoint().raw();
    // What we own must not reach the console as noise; what we do not own must not reach it at all.
    if (number == static_cast<uint64_t>(KernelCall::ConsoleWrite))
        arguments.words[1] = random_.pick<uint64_t>(kBadAddresses);
    if (number == static_cast<uint64_t>(KernelCall::WaitOnAddress) && !random_.one_in(1000))
        arguments.words[3] = 1 + random_.below(1'000'000);
    (void)trap_kernel_call(static_cast<uint32_t>(number), arguments);
}

void Attacker::vm_call() {
    Message request = message();
    request.set_type(kVmCallBase + static_cast<uint32_t>(random_.below(kVmCallLimit + 2)));
    request.words[1] = address();
    request.words[2] = length();
    request.words[3] = random_.below(9);
    if (random_.one_in(2))
        request.words[4] = kMapPrivate | kMapAnonymous | (random_.one_in(4) ? uint64_t{kMapFixed} : 0);
    (void)send_receive(kVm, request);
}

// Right in most of its members, so that the wrong ones are reached.
void Attacker::fill_spawn_request() {
    spawn_request = {};
    strlcpy(spawn_request.name, random_.one_in(3) ? "" : "hostile", sizeof spawn_request.name);
    memcpy(spawn_request.arguments, "hostile\0exit", 13);
    spawn_request.argument_bytes = 13;
    spawn_request.argument_count = 2;
    spawn_request.cpu = random_.one_in(2) ? word() : ~uint64_t{0};
    auto* words = reinterpret_cast<uint64_t*>(&spawn_request);
    const uint64_t head = offsetof(SpawnRequest, arguments) / sizeof(uint64_t);
    for (uint64_t i = random_.below(4); i > 0; --i) words[random_.below(head)] = word();
}

void Attacker::pm_call() {
    Message request = message();
    request.set_type(kPmCallBase + static_cast<uint32_t>(random_.below(6)));
    if (request.type() == static_cast<uint32_t>(PmCall::Spawn) && random_.one_in(2)) {
        fill_spawn_request();
        request.words[1] = reinterpret_cast<uint64_t>(&spawn_request);
    }
    if (request.type() == static_cast<uint32_t>(PmCall::Wait)) {
        request.words[1] = endpoint().raw();
        request.words[2] = random_.one_in(50) ? 0 : 1;
    }
    if (request.type() == static_cast<uint32_t>(PmCall::Kill))
        request.words[1] = endpoint().raw();
    (void)send_receive(kPm, request);
}

// What only the kernel may say: faults, ends of flushes, notifications, and news that only PM may bring to RS.
void Attacker::forged_event() {
    constexpr uint32_t kTypes[] = {kPageFault,  kMemoryRequest, kFlushDone,
                                   kWorkerCalled, kSpaceGone,   kNotifyBase,
                                   static_cast<uint32_t>(RsCall::Done),
                                   static_cast<uint32_t>(RsCall::Lookup)};
    constexpr Endpoint kTargets[] = {kVm, kPm, kRs};
    Message forged = message();
    forged.set_type(random_.pick<uint32_t>(kTypes));
    forged.set_source(random_.pick<Endpoint>(kEndpoints));
    const Endpoint target = random_.pick<Endpoint>(kTargets);
    if (random_.one_in(2))
        (void)send_receive(target, forged);
    else
        (void)send_nonblocking(target, forged);
}

void Attacker::any_trap() {
    uint64_t number = random_.below(kTrapLimit);
    // A thread that only receives waits for ever; the watcher ends it, but that takes its time.
    if (!random_.one_in(200)) number |= kNonBlocking;
    if (random_.one_in(20)) number = random_.next();
    if ((number & kTrapNumberMask) == static_cast<uint64_t>(Trap::KernelCall)) return kernel_call();
    if ((number & kTrapNumberMask) == static_cast<uint64_t>(Trap::Send)) return forged_event();
    Message arguments = message();
    (void)internal::trap(number, internal::partners_of(endpoint(), endpoint()), arguments);
}

void Attacker::attack() {
    switch (random_.below(8)) {
        case 0:
        case 1: return kernel_call();
        case 2:
        case 3: return vm_call();
        case 4: return pm_call();
        case 5: return forged_event();
        default: return any_trap();
    }
}

}  // namespace shoal::test
