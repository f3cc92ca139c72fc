#include <string.h>

#include "abi/kernel_call_stubs.hpp"
#include "abi/vm_call_stubs.hpp"
#include "libc-min/trap.hpp"
#include "servers/pm/platform/platform.hpp"

namespace shoal::pm::platform {

namespace {

VirtualAddress address_of(const void* pointer) {
    return VirtualAddress{reinterpret_cast<uint64_t>(pointer)};
}

}  // namespace

Result<ProcessName> create_process(const char* title, Endpoint parent) {
    uint64_t words[2] = {};
    memcpy(words, title, strnlen(title, sizeof words));
    const auto made = TRY(kernel_calls::process_create(words[0], words[1], kPm, parent));
    return ProcessName{made.endpoint, made.process};
}

Result<void> set_privileges(Endpoint process, const Privileges& privileges) {
    return kernel_calls::privilege_set(process, address_of(&privileges));
}

Result<void> start_process(Endpoint process, const EntryPoint& start, uint64_t cpu) {
    return kernel_calls::process_start(process, start.entry, start.stack, start.argument, cpu);
}

Result<void> kill_process(Endpoint process, int64_t status) {
    return kernel_calls::process_kill(process, status);
}

Result<StoppedProcess> take_stopped() {
    const auto stopped = TRY(kernel_calls::process_reap());
    return StoppedProcess{stopped.process, stopped.status};
}

Result<void> release_process(Endpoint process) { return kernel_calls::process_release(process); }

Result<ProcessName> process_of(Endpoint thread) {
    const auto owner = TRY(kernel_calls::thread_process(thread));
    return ProcessName{owner.endpoint, owner.process};
}

Result<void> copy_request(Endpoint asker, VirtualAddress from, SpawnRequest& to) {
    TRY(kernel_calls::copy(asker, from, kSelf, address_of(&to), sizeof to));
    return {};
}

Result<void> create_space(const ProcessName& process, uint64_t quota) {
    return vm_calls::create(process.process, process.endpoint, quota);
}

Result<EntryPoint> load_image(const LoadRequest& request) {
    const auto start = TRY(vm_calls::load(address_of(&request)));
    return EntryPoint{start.entry, start.stack, start.argument};
}

Result<void> share_memory(ProcessId from, const VirtualRange& range, ProcessId to) {
    return vm_calls::share(from, range.start, range.size(), to);
}

Result<void> announce_end(ProcessId process) { return vm_calls::willexit(process); }

Result<void> destroy_space(ProcessId process) { return vm_calls::exit(process); }

Result<StoredImage> find_image(const char (&name)[sizeof SpawnRequest::name]) {
    Message message;
    message.set_type(static_cast<uint32_t>(RsCall::Lookup));
    memcpy(&message.words[1], name, sizeof name);
    if (Error error = send_receive(kRs, message); error != Error::None) return error;
    if (Error error = message.outcome(); error != Error::None) return error;
    return StoredImage{ProcessId{static_cast<uint32_t>(message.words[3])},
                       VirtualAddress{message.words[1]}, message.words[2]};
}

void tell_root(Endpoint child, int64_t status) {
    Message done;
    done.set_type(static_cast<uint32_t>(RsCall::Done));
    done.words[1] = static_cast<uint64_t>(status);
    done.words[2] = child.raw();
    (void)send(kRs, done);
}

void answer(Endpoint waiter, const Message& message) { (void)send_nonblocking(waiter, message); }

}  // namespace shoal::pm::platform
