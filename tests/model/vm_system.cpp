#include "tests/model/vm_system.hpp"

#include <thread>

#include "abi/message.hpp"
#include "servers/vm/files/file_desk.hpp"
#include "tests/model/reference/space.hpp"

namespace shoal::model {

using vm::test::Harness;

namespace {

constexpr uint64_t kCachedDevice = 3, kFile = 1;

uint64_t pages_of(const Operation& op) { return round_up_to_pages(op.bytes) >> kPageShift; }

}  // namespace

VmSystem::VmSystem(const Options& options)
    : options_(options),
      vm_(Harness::Options{.cpus = options.workers + (may_run_out() ? 0 : 1), .bytes = options.bytes, .lateness = options.lateness}),
      at_first_(vm_), manager_(vm_.create(CpuId::from(0))), processes_(options.spaces) {
    for (uint32_t i = 0; i < options.spaces; ++i) processes_[i] = make_space(CpuId::from(i % options.workers)).raw();
    constexpr uint64_t kWithoutEnd = ~uint64_t{0};
    if (!may_run_out()) files_ = std::make_unique<vm::test::FileServer>(vm_, CpuId::from(options.workers), kWithoutEnd);
}

bool VmSystem::may_run_out() const { return options_.quota != 0 || options_.bytes < (uint64_t{96} << 20); }

// An image's loader would.
void VmSystem::set_heap(ProcessId process) {
    if (vm::Space* space = vm_.processes().find(process); space != nullptr)
        space->heap_start = space->heap_end = VirtualAddress{kHeapStart};
}

ProcessId VmSystem::make_space(CpuId home) {
    // Shared memory is paid for by everybody who maps it, whether it is there or not.
    constexpr uint64_t kWithoutLimit = uint64_t{1} << 28;
    const ProcessId made = vm_.create(home, may_run_out() ? options_.quota : kWithoutLimit);
    set_heap(made);
    return made;
}

// Of file servers there may be requests that nobody has taken.
void VmSystem::end_files() {
    const auto wanted = [&] {
        uint64_t requests = 0;
        const std::lock_guard turn(vm_.machine.turn(CpuId::from(0)));
        vm::WorkerContext worker = vm_.context(CpuId::from(0));
        vm_.processes().file_desk().for_each(worker.locks(), [&](const vm::FileRequest&) { ++requests; }, [](const vm::Request*) {});
        return requests;
    };
    while (wanted() > 0) std::this_thread::yield();
    files_->end();
}

std::string VmSystem::end() {
    const CpuId cpu = CpuId::from(0);
    for (const std::atomic<uint32_t>& process : processes_)
        if (end_process(cpu, ProcessId{process.load()}) != Error::None) return "a process does not end";
    if (files_ != nullptr) end_files();
    for (const uint64_t device : {kCachedDevice, vm::test::FileServer::kDevice}) (void)vm_.call(cpu, manager_, VmCall::Clearcache, {{0, device}});
    (void)end_process(cpu, manager_);
    const std::string left = at_first_.difference(Holdings(vm_));
    return left.empty() ? left : "not all has come back: " + left;
}

Outcome VmSystem::apply(const Operation& op) {
    const Outcome outcome = is_access(op.kind) ? access(op) : call(op);
    if (outcome.error == Error::NoMemory || outcome.access == Access::OutOfMemory) ++refused_for_memory_;
    return outcome;
}

Outcome VmSystem::call(const Operation& op) {
    const CpuId cpu = CpuId::from(op.worker);
    const VirtualAddress address{op.address};
    const ProcessId caller = process(op.space);
    Outcome outcome;
    switch (op.kind) {
        case Kind::Map: return map(op);
        case Kind::Brk: return brk(op);
        case Kind::Unmap: outcome.error = vm_.munmap(cpu, caller, address, op.bytes); break;
        case Kind::Protect: outcome.error = vm_.mprotect(cpu, caller, address, op.bytes, op.protection); break;
        case Kind::DontNeed: outcome.error = vm_.discard(cpu, caller, address, op.bytes); break;
        case Kind::Share: outcome.error = share(op); break;
        case Kind::Remap: return remap(op);
        case Kind::MapFile: return map_file(op);
        case Kind::FileForget: outcome.error = files_ == nullptr ? Error::None : files_->forget(kFile, op.value, pages_of(op)); break;
        case Kind::CacheSet: outcome.error = set_blocks(op); break;
        case Kind::CacheMap: return map_blocks(op);
        case Kind::CacheForget: outcome.error = forget_blocks(op); break;
        case Kind::Renew: outcome.error = renew(op); break;
        case Kind::Fork: outcome.error = fork(op); break;
        case Kind::Clear: outcome.error = clear(op); break;
        case Kind::Touch: outcome.error = control(op, kProcessTouch); break;
        case Kind::JointMap: outcome.error = map_joint(op); break;
        case Kind::JointUnmap: outcome.error = vm_.unmap_memory(cpu, caller, address); break;
        case Kind::JointRevoke: outcome.error = vm_.revoke(cpu, caller, static_cast<uint32_t>(op.value)); break;
        default: outcome.error = Error::NotImplemented; break;
    }
    return outcome;
}

Outcome VmSystem::map(const Operation& op) {
    const Result<VirtualAddress> mapped = vm_.mmap(CpuId::from(op.worker), process(op.space), op.bytes, op.protection,
                                                   op.flags, VirtualAddress{op.address});
    Outcome outcome;
    outcome.error = mapped.ok() ? Error::None : mapped.error();
    outcome.address = mapped.ok() ? mapped.value().raw() : 0;
    return outcome;
}

Outcome VmSystem::map_file(const Operation& op) {
    const Message arguments{{0, op.address, op.bytes, op.protection, op.flags, kFile, op.value << kPageShift}};
    const Message answer = vm_.call(CpuId::from(op.worker), process(op.space), VmCall::MmapFile, arguments);
    Outcome outcome;
    outcome.error = answer.outcome();
    if (outcome.error == Error::None) outcome.address = answer.words[1];
    else if (files_ == nullptr) outcome.error = Error::NoDevice;  // whatever else is wrong
    return outcome;
}

Outcome VmSystem::brk(const Operation& op) {
    const Message answer = vm_.call(CpuId::from(op.worker), process(op.space), VmCall::Brk, {{0, op.address}});
    Outcome outcome;
    outcome.error = answer.outcome();
    if (outcome.error == Error::None) outcome.address = answer.words[1];
    return outcome;
}

// The answer goes to pages that may be there or not.
void VmSystem::look(unsigned worker, unsigned space) {
    const CpuId cpu = CpuId::from(worker);
    const ProcessId caller = process(static_cast<uint8_t>(space));
    for (const uint64_t what : {kInfoStats, kInfoUsage})
        (void)vm_.call(cpu, caller, VmCall::Info, {{0, what, caller.raw(), kHeapStart, sizeof(VmStats) + sizeof(VmUsage)}});
}

Error VmSystem::share(const Operation& op) {
    const Message arguments{{0, process(op.space).raw(), op.address, op.bytes, process(op.other).raw()}};
    return vm_.call(CpuId::from(op.worker), process(op.space), VmCall::Share, arguments).outcome();
}

Outcome VmSystem::remap(const Operation& op) {
    const Message arguments{{0, process(op.other).raw(), process(op.space).raw(), op.value, op.address, op.bytes}};
    const Message answer = vm_.call(CpuId::from(op.worker), process(op.space), op.flags == 0 ? VmCall::Remap : VmCall::RemapRo, arguments);
    Outcome outcome;
    outcome.error = answer.outcome();
    if (outcome.error == Error::None) outcome.address = answer.words[1];
    return outcome;
}

// What it caches has to be there.
Error VmSystem::set_blocks(const Operation& op) {
    Operation touch = op;
    touch.flags = kFaultWrite;
    if (const Error error = control(touch, kProcessTouch); error != Error::None) return error;
    const Message arguments{{0, op.address, kCachedDevice, op.value << kPageShift, 0, 0, pages_of(op)}};
    return vm_.call(CpuId::from(op.worker), process(op.space), VmCall::Setcachepage, arguments).outcome();
}

Outcome VmSystem::map_blocks(const Operation& op) {
    const Message arguments{{0, kCachedDevice, op.value << kPageShift, 0, 0, pages_of(op)}};
    const Message answer = vm_.call(CpuId::from(op.worker), process(op.space), VmCall::Mapcachepage, arguments);
    Outcome outcome;
    outcome.error = answer.outcome();
    if (outcome.error == Error::None) outcome.address = answer.words[1];
    return outcome;
}

Error VmSystem::forget_blocks(const Operation& op) {
    const bool all = op.bytes == 0;
    const Message arguments{{0, kCachedDevice, op.value << kPageShift, pages_of(op)}};
    return vm_.call(CpuId::from(op.worker), process(op.space), all ? VmCall::Clearcache : VmCall::Forgetcachepage, arguments).outcome();
}

Error VmSystem::renew(const Operation& op) {
    const CpuId cpu = CpuId::from(op.worker);
    const ProcessId old{processes_[op.space].exchange(0)};
    if (old.raw() == 0) return Error::Busy;  // another worker is at it
    const Error error = end_process(cpu, old);
    const ProcessId made = error == Error::None ? make_space(cpu) : old;
    processes_[op.space] = made.raw();
    return made.raw() == 0 ? Error::NoMemory : error;
}

Error VmSystem::end_process(CpuId cpu, ProcessId process) {
    vm_.stop(process);
    return vm_.exit(cpu, process);
}

Error VmSystem::fork(const Operation& op) {
    Operation other = op;
    other.space = op.other;
    if (op.space != op.other)
        if (const Error error = renew(other); error != Error::None) return error;
    const Message arguments{{0, process(op.space).raw(), process(op.other).raw()}};
    return vm_.call(CpuId::from(op.worker), process(op.space), VmCall::Fork, arguments).outcome();
}

Error VmSystem::control(const Operation& op, uint64_t what) {
    const Message arguments{{0, process(op.space).raw(), what, op.address, op.bytes, op.flags}};
    return vm_.call(CpuId::from(op.worker), process(op.space), VmCall::Procctl, arguments).outcome();
}

Error VmSystem::clear(const Operation& op) {
    const Error error = control(op, kProcessClear);
    if (error == Error::None) set_heap(process(op.space));
    return error;
}

Error VmSystem::map_joint(const Operation& op) {
    const JointFlags flags = JointFlags::of(op.flags);
    const auto number = static_cast<uint32_t>(flags.grant);
    Harness::MapWish wish{process(op.space), VirtualAddress{op.address}, VirtualAddress{op.value}, op.bytes, static_cast<MapMode>(flags.mode), {}};
    if (flags.passer != JointFlags::kNobody) wish.path.grants[wish.path.length++] = {process(static_cast<uint8_t>(flags.passer)), number};
    wish.path.grants[wish.path.length++] = {process(op.space), number};
    return vm_.map_memory(CpuId::from(op.worker), process(op.other), wish);
}

Outcome VmSystem::access(const Operation& op) {
    const CpuId cpu = CpuId::from(op.worker);
    const VirtualAddress word = VirtualAddress{op.address}.page_down() + kWordIndex[op.word] * sizeof(uint64_t);
    Outcome outcome;
    Error error = Error::None;
    if (op.kind == Kind::Read) {
        const Result<uint64_t> read = vm_.read(cpu, process(op.space), word);
        if (read.ok()) outcome.value = read.value();
        else error = read.error();
    } else if (op.kind == Kind::Write) {
        error = vm_.write(cpu, process(op.space), word, op.value);
        if (error == Error::None) outcome.value = op.value;
    } else {
        error = vm_.execute(cpu, process(op.space), word);
    }
    if (error == Error::NoMemory) outcome.access = Access::OutOfMemory;
    else if (error != Error::None) outcome.access = Access::Refused;
    return outcome;
}

}  // namespace shoal::model
