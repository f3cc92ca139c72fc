// User memory without page tables, for tests of the rest of the core: a few KiB a process, always present unless a test says
// otherwise.
#include <atomic>
#include <cstring>

#include "abi/kernel_call_dispatch.hpp"
#include "kernel/core/entry.hpp"
#include "kernel/core/ipc/receive.hpp"
#include "kernel/core/machine.hpp"
#include "kernel/core/objects/tables.hpp"
#include "kernel/core/space_interface.hpp"
#include "tests/support/core/fake_machine.hpp"

namespace shoal::test::plain_space {

namespace {
constexpr uint32_t kSlots = 1024;
// Words that threads of several CPUs compare and set, as user programs would: relaxed atomics, byte by byte.
alignas(8) char bytes[kSlots][kBytes];
std::atomic<bool> absent{false};

bool take_absent() { return absent.exchange(false); }
}  // namespace

char* memory(uint32_t process_slot) { return bytes[process_slot % kSlots]; }
void set_absent(bool value) { absent = value; }

}  // namespace shoal::test::plain_space

namespace shoal {
void test::prepare_spaces(const kernel::CoreLimits&) { plain_space::set_absent(false); }
void* kernel::machine::frame_pointer(PhysicalAddress) { return nullptr; }
}  // namespace shoal

namespace shoal::kernel {

namespace plain = test::plain_space;

namespace {

bool inside(VirtualAddress address, uint64_t size) {
    return address.raw() >= plain::kBase && size <= plain::kBytes && address.raw() - plain::kBase <= plain::kBytes - size;
}

char* at(Process& process, VirtualAddress address) { return plain::memory(slot_of(process)) + (address.raw() - plain::kBase); }

void copy(char* to, const char* from, uint64_t size) {
    for (uint64_t i = 0; i < size; ++i)
        __atomic_store_n(to + i, __atomic_load_n(from + i, __ATOMIC_RELAXED), __ATOMIC_RELAXED);
}

Error ask_for_page(Thread& caller, VirtualAddress address) {
    caller.fault.type = kMemoryRequest;
    caller.fault.address = address;
    caller.fault.process = caller.process->id();
    hand_to_worker(machine::this_cpu(), caller);
    return Error::DoNotReply;
}

}  // namespace

void space::enter(Cpu&, Thread&) {}
void space::idle(Cpu&) {}
void space::worker_received(Cpu&) {}

Error space::read_user(Thread& caller, void* to, VirtualAddress from, uint64_t size) {
    if (!inside(from, size)) return Error::BadAddress;
    if (plain::take_absent()) return ask_for_page(caller, from);
    return read_user_now(*caller.process, to, from, size);
}

Error space::write_user(Thread& caller, VirtualAddress to, const void* from, uint64_t size) {
    if (!inside(to, size)) return Error::BadAddress;
    if (plain::take_absent()) return ask_for_page(caller, to);
    return write_user_now(*caller.process, to, from, size);
}

Error space::read_user_now(Process& process, void* to, VirtualAddress from, uint64_t size) {
    if (!inside(from, size)) return Error::BadAddress;
    copy(static_cast<char*>(to), at(process, from), size);
    return Error::None;
}

Error space::write_user_now(Process& process, VirtualAddress to, const void* from, uint64_t size) {
    if (!inside(to, size)) return Error::BadAddress;
    copy(at(process, to), static_cast<const char*>(from), size);
    return Error::None;
}

// As the real one, but for the linking of tables.
void space::on_resume(Cpu& cpu, Thread& worker) {
    const Registers& registers = worker.registers;
    const Endpoint thread{static_cast<uint32_t>(registers.rdi)};
    const uint32_t sequence = static_cast<uint32_t>(registers.rdi >> 32);
    const Error outcome = from_register(static_cast<int64_t>(registers.rsi));
    const Waiting waiting = waiting_of(registers.rax);
    if (!resume_thread(cpu, thread, sequence, outcome)) return ask_to_resume(cpu, worker, thread, sequence, outcome, waiting);
    receive_next(cpu, worker, kAny, waiting);
}

void space::on_mail(Cpu&, MailNode&) {}
bool space::tables_low(const Cpu&) { return false; }
void space::flush_at_next_load(Cpu&, uint32_t) {}
Error space::set_worker_epoch(Cpu&, Thread&, VirtualAddress) { return Error::None; }
bool space::gone(const Process&) { return true; }

Thread* entry::on_page_fault(Thread& current, VirtualAddress address, uint64_t error_code) {
    current.fault.type = kPageFault;
    current.fault.address = address;
    current.fault.flags = error_code;
    current.fault.process = current.process->id();
    hand_to_worker(machine::this_cpu(), current);
    return nullptr;
}

namespace calls {
Result<void> copy(Thread&, const CopyArguments&) { return Error::NotImplemented; }
Result<void> grant_table(Thread&, const GrantTableArguments&) { return Error::NotImplemented; }
Result<void> safe_copy_from(Thread&, const SafeCopyFromArguments&) { return Error::NotImplemented; }
Result<void> safe_copy_to(Thread&, const SafeCopyToArguments&) { return Error::NotImplemented; }
Result<void> safemap(Thread&, const SafemapArguments&) { return Error::NotImplemented; }
Result<void> safeunmap(Thread&, const SafeunmapArguments&) { return Error::NotImplemented; }
Result<void> saferevmap(Thread&, const SaferevmapArguments&) { return Error::NotImplemented; }
Result<GrantPathResults> grant_path(Thread&, const GrantPathArguments&) { return Error::NotImplemented; }
Result<void> lend_area(Thread&, const LendAreaArguments&) { return Error::NotImplemented; }
Result<PhysicalAddress> reclaim_area(Thread&, const ReclaimAreaArguments&) { return Error::NotImplemented; }
Result<uint64_t> flush(Thread&, const FlushArguments&) { return Error::NotImplemented; }
Result<uint64_t> unlink(Thread&, const UnlinkArguments&) { return Error::NotImplemented; }
Result<void> space_destroy(Thread&, const SpaceDestroyArguments&) { return Error::NotImplemented; }
}  // namespace calls

}  // namespace shoal::kernel
