#include "tests/model/vm_system.hpp"

#include <thread>

#include "abi/message.hpp"
#include "servers/vm/files/file_desk.hpp"
#include "tests/model/images.hpp"
#include "tests/model/reference/space.hpp"

namespace shoal::model {

using vm::test::FileServer;
using vm::test::Harness;

namespace {

constexpr uint64_t kAllRights = ~uint64_t{0};

}  // namespace

VmSystem::VmSystem(const Options& options)
    : options_(options),
      vm_(Harness::Options{.cpus = options.workers + (may_run_out() ? 0 : 1), .bytes = options.bytes, .lateness = options.lateness}),
      at_first_(vm_), manager_(vm_.create(CpuId::from(0))), desk_(vm_.mmap(CpuId::from(0), manager_, kPageSize).release()),
      processes_(options.spaces) {
    store_images();
    for (uint8_t i = 0; i < options.spaces; ++i) processes_[i] = make_space(CpuId::from(i % options.workers), i).raw();
    constexpr uint64_t kWithoutEnd = ~uint64_t{0};
    if (!may_run_out()) files_ = std::make_unique<FileServer>(vm_, CpuId::from(options.workers), kWithoutEnd);
}

bool VmSystem::may_run_out() const { return options_.quota != 0 || options_.bytes < (uint64_t{96} << 20); }

// Without a quota it is memory that ends.
Payment VmSystem::payment(unsigned space) {
    const vm::Space* found = options_.quota == 0 ? nullptr : vm_.processes().find(process(static_cast<uint8_t>(space)));
    return found == nullptr ? Payment{} : Payment{found->quota.charged().raw(), found->quota.limit().raw()};
}

// An image's loader would.
void VmSystem::set_heap(ProcessId process) {
    if (vm::Space* space = vm_.processes().find(process); space != nullptr)
        space->heap_start = space->heap_end = VirtualAddress{kHeapStart};
}

ProcessId VmSystem::make_space(CpuId home, uint8_t place) {
    // Shared memory is paid for by everybody who maps it, whether it is there or not.
    constexpr uint64_t kWithoutLimit = uint64_t{1} << 28;
    const ProcessId made = vm_.create(home, may_run_out() ? options_.quota : kWithoutLimit);
    set_heap(made);
    if (vm::Space* space = vm_.processes().find(made); space != nullptr && begins_as_server(place)) space->standing = vm::Standing::Server;
    const std::lock_guard guard(places_lock_);
    places_[made.raw()] = place;
    return made;
}

void VmSystem::store_images() {
    const CpuId cpu = CpuId::from(0);
    for (const Image& image : images()) {
        const std::vector<uint64_t> words = image.words();
        images_.push_back(vm_.mmap(cpu, manager_, image.file.bytes).release());
        for (uint64_t i = 0; i < words.size(); ++i) (void)vm_.write(cpu, manager_, images_.back() + i * sizeof(uint64_t), words[i]);
    }
}

// When it has taken all that is still wanted of it.
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
    for (const Hold& hold : holds_) (void)vm_.call(cpu, manager_, VmCall::Deldma, {{0, hold.process.raw(), hold.physical}});
    if (files_ != nullptr) end_files();
    for (const uint64_t device : {kCachedDevice, FileServer::kDevice}) (void)vm_.call(cpu, manager_, VmCall::Clearcache, {{0, device}});
    (void)end_process(cpu, manager_);
    const std::string left = at_first_.difference(Holdings(vm_));
    return left.empty() ? left : "not all has come back: " + left;
}

Outcome VmSystem::apply(const Operation& op) {
    const Outcome outcome = is_access(op.kind) ? access(op) : call(op);
    if (!awaited_.empty()) collect_answers();
    if (outcome.error == Error::NoMemory || outcome.access == Access::OutOfMemory) ++refused_for_memory_;
    return outcome;
}

Error VmSystem::renew(const Operation& op) {
    const CpuId cpu = CpuId::from(op.worker);
    const ProcessId old{processes_[op.space].exchange(0)};
    if (old.raw() == 0) return Error::Busy;  // another worker is at it
    const Error error = end_process(cpu, old);
    const ProcessId made = error == Error::None ? make_space(cpu, op.space) : old;
    processes_[op.space] = made.raw();
    return made.raw() == 0 ? Error::NoMemory : error;
}

Error VmSystem::end_process(CpuId cpu, ProcessId process) {
    vm_.stop(process);
    (void)vm_.call(cpu, manager_, VmCall::RsSetPriv, {{0, process.raw(), kAllRights}});  // it asks for its end itself
    const Error error = vm_.exit(cpu, process);
    return error == Error::None && !end_waits(process) ? Error::TimedOut : error;
}

Error VmSystem::fork(const Operation& op) {
    Operation other = op;
    other.space = op.other;
    if (op.space != op.other)
        if (const Error error = renew(other); error != Error::None) return error;
    const Message arguments{{0, process(op.space).raw(), process(op.other).raw()}};
    return vm_.call(CpuId::from(op.worker), process(op.space), VmCall::Fork, arguments).outcome();
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
