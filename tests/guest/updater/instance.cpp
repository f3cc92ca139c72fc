#include "tests/guest/updater/instance.hpp"

#include <sys/mman.h>

#include "abi/kernel_call_stubs.hpp"
#include "abi/kernel_info.hpp"
#include "abi/memory.hpp"
#include "abi/privileges.hpp"
#include "abi/vm_call_stubs.hpp"
#include "libc-min/system/kernel_facts.hpp"
#include "libc-min/trap.hpp"

namespace shoal::test {
namespace {

constexpr uint64_t kStackPages = 4;

uint64_t calls_served = 0;  // of each instance its own
Endpoint maker = kNone, heard = kNone;

Error map(VirtualAddress at, uint64_t value) {
    constexpr uint64_t kFlags = kMapPrivate | kMapAnonymous | kMapFixed;
    const auto mapped = vm_calls::mmap(at, kPageSize, kProtectRead | kProtectWrite, kFlags);
    if (mapped.ok()) *reinterpret_cast<volatile uint64_t*>(at.raw()) = value;
    return mapped.error();
}

void answer(Message& message, uint64_t version) {
    const auto call = static_cast<InstanceCall>(message.type());
    const VirtualAddress at{message.words[1]};
    const uint64_t value = message.words[2];
    Error error = Error::None;
    if (call == InstanceCall::Serve) ++calls_served;
    if (call == InstanceCall::Map) error = map(at, value);
    if (call == InstanceCall::Go) heard = kAny;
    if (call == InstanceCall::Prepare) heard = maker;
    message.words[1] = call == InstanceCall::Read ? *reinterpret_cast<volatile uint64_t*>(at.raw()) : version;
    message.words[2] = calls_served;
    message.set_outcome(error);
}

// Uses nothing of the library that is of a thread: it was started by the kernel alone.
[[noreturn]] void run(uint64_t version) {
    Message message;
    Endpoint caller = kNone;
    for (TrapResult got = receive(maker, message);; got = reply_receive(caller, message, heard)) {
        caller = message.source();
        if (got.error == Error::None && !got.is_notification()) answer(message, version);
        else caller = kNone;
    }
}

// May do what programs may, and is a system process.
Result<void> give_privileges(Endpoint endpoint) {
    Privileges privileges{};
    privileges.trap_mask = trap_bit(Trap::Receive) | trap_bit(Trap::SendReceive) | trap_bit(Trap::ReplyReceive) | trap_bit(Trap::KernelCall);
    privileges.send_mask[0] = 1;  // to VM
    privileges.manager = kNone;   // as it was made
    privileges.priority = kServerPriority;
    privileges.flags = kSystemProcess;
    return kernel_calls::privilege_set(endpoint, VirtualAddress{reinterpret_cast<uint64_t>(&privileges)});
}

}  // namespace

Result<Instance> Instance::start(uint64_t version, uint64_t cpu) {
    void* stack = mmap(nullptr, kStackPages * kPageSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (stack == MAP_FAILED) return Error::NoMemory;
    const auto made = TRY(kernel_calls::process_create(0, 0, kSelf, kSelf));
    maker = heard = kernel_facts().self;
    TRY(give_privileges(made.endpoint));
    TRY(vm_calls::create(made.process, made.endpoint, 0));
    TRY(vm_calls::fork(kernel_facts().process, made.process));
    (void)munmap(stack, kStackPages * kPageSize);
    // As after a call (System V ABI, 3.2.2).
    const VirtualAddress top{reinterpret_cast<uint64_t>(stack) + kStackPages * kPageSize - sizeof(uint64_t)};
    TRY(kernel_calls::process_start(made.endpoint, VirtualAddress{reinterpret_cast<uint64_t>(&run)}, top, version, cpu));
    return Instance(made.endpoint, made.process);
}

Result<void> Instance::end() const {
    TRY(kernel_calls::process_kill(endpoint_, 0));
    for (;;) {
        Message notice;
        if (const TrapResult heard = receive(kAny, notice); heard.error != Error::None) return heard.error;
        if (kernel_calls::process_reap().ok()) break;
    }
    TRY(vm_calls::willexit(process_));
    TRY(vm_calls::exit(process_));
    return kernel_calls::process_release(endpoint_);
}

Result<InstanceAnswer> Instance::call(InstanceCall what, uint64_t first, uint64_t second) const {
    Message message{{static_cast<uint32_t>(what), first, second}};
    if (const Error error = send_receive(endpoint_, message); error != Error::None) return error;
    if (message.outcome() != Error::None) return message.outcome();
    return InstanceAnswer{message.words[1], message.words[2]};
}

Result<void> Instance::stop() const {
    while (TRY(kernel_calls::process_stop(endpoint_)) != 0) TRY(kernel_calls::thread_yield());
    return {};
}

Result<void> Instance::resume() const { return kernel_calls::process_resume(endpoint_); }

}  // namespace shoal::test
