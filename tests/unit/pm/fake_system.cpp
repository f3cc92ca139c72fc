#include "tests/unit/pm/fake_system.hpp"

#include <cstring>

namespace shoal::pm::test {

namespace {

FakeSystem* the_system = nullptr;

}  // namespace

FakeSystem::FakeSystem() {
    the_system = this;
    for (const auto& [slot, endpoint] : {std::pair{kRsSlot, kRs}, std::pair{kPmSlot, kPm}}) {
        processes_[ProcessId::of(slot, 1).raw()] = {endpoint, kNone, Life::Running, true, 0};
        threads_[endpoint.raw()] = ProcessId::of(slot, 1);
        generation_[slot] = thread_generation_[slot] = 1;
    }
}
FakeSystem::~FakeSystem() { the_system = nullptr; }
FakeSystem& FakeSystem::instance() { return *the_system; }

uint32_t FakeSystem::free_slot() const {
    for (uint32_t slot = 1; slot < kProcessSlots; ++slot) {
        bool taken = false;
        for (const auto& [raw, process] : processes_) taken = taken || ProcessId{raw}.slot() == slot;
        if (!taken) return slot;
    }
    return 0;
}

uint32_t FakeSystem::free_thread_slot() const {
    for (uint32_t slot = 1; slot < kThreadSlots; ++slot) {
        bool taken = false;
        for (const auto& [raw, process] : threads_) taken = taken || Endpoint{raw}.slot() == slot;
        if (!taken) return slot;
    }
    return 0;
}

Endpoint FakeSystem::take_thread_slot(ProcessId process) {
    const uint32_t slot = free_thread_slot();
    if (slot == 0) return kNone;
    const Endpoint thread = Endpoint::of(slot, ++thread_generation_[slot]);
    threads_[thread.raw()] = process;
    return thread;
}

FakeSystem::Process* FakeSystem::find(Endpoint process) {
    const auto owner = threads_.find(process.raw());
    return owner == threads_.end() ? nullptr : &processes_.at(owner->second.raw());
}

std::optional<Error> FakeSystem::failure_at(Step step) {
    if (!failure_ || failure_->first != step) return std::nullopt;
    const Error error = failure_->second;
    failure_.reset();
    return error;
}

Endpoint FakeSystem::add_thread(Endpoint process) { return take_thread_slot(threads_.at(process.raw())); }
void FakeSystem::end_thread(Endpoint thread) { threads_.erase(thread.raw()); }

void FakeSystem::stop(Endpoint process, int64_t status) {
    Process& stopping = *find(process);
    if (stopping.life == Life::Stopped || stopping.life == Life::Taken) return;
    stopping.life = Life::Stopped;
    stopping.status = status;
    stopped_.push_back(threads_.at(process.raw()));
}

bool FakeSystem::runs(Endpoint process) const {
    const auto owner = threads_.find(process.raw());
    return owner != threads_.end() && processes_.at(owner->second.raw()).life == Life::Running;
}

uint32_t FakeSystem::spaces() const {
    uint32_t count = 0;
    for (const auto& [raw, process] : processes_) count += process.has_space ? 1 : 0;
    return count;
}

Result<platform::ProcessName> FakeSystem::create(const char* name, Endpoint parent) {
    if (const auto error = failure_at(Step::Create)) return *error;
    if (!has_slots_for_process()) return Error::Again;
    const uint32_t slot = free_slot();
    const ProcessId process = ProcessId::of(slot, ++generation_[slot]);
    const Endpoint endpoint = take_thread_slot(process);
    processes_[process.raw()] = {endpoint, parent, Life::Created, false, 0};
    title = std::string(name, strnlen(name, 16));
    return platform::ProcessName{endpoint, process};
}

Result<void> FakeSystem::set_privileges(Endpoint process, const Privileges& wanted) {
    if (const auto error = failure_at(Step::Privileges)) return *error;
    if (find(process)->life != Life::Created) mistake("privileges of a process that has started");
    privileges = wanted;
    return {};
}

Result<void> FakeSystem::start(Endpoint process, const platform::EntryPoint& at, uint64_t on_cpu) {
    if (const auto error = failure_at(Step::Start)) return *error;
    Process& starting = *find(process);
    if (!starting.has_space || at.entry.raw() == 0) mistake("a process starts without an image");
    starting.life = Life::Running;
    cpu = on_cpu;
    return {};
}

Result<void> FakeSystem::kill(Endpoint process, int64_t status) {
    const Process* dying = find(process);
    if (dying == nullptr || dying->life == Life::Stopped || dying->life == Life::Taken) return Error::DeadEndpoint;
    stop(process, status);
    return {};
}

Result<platform::StoppedProcess> FakeSystem::take_stopped() {
    if (stopped_.empty()) return Error::NoChild;
    const ProcessId process = stopped_.front();
    stopped_.pop_front();
    Process& taken = processes_.at(process.raw());
    taken.life = Life::Taken;
    return platform::StoppedProcess{process, taken.status};
}

Result<void> FakeSystem::release(Endpoint process) {
    if (const auto error = failure_at(Step::Release)) return *error;
    const auto owner = threads_.find(process.raw());
    if (owner == threads_.end()) {
        mistake("a process is released twice");
        return Error::BadEndpoint;
    }
    const ProcessId slot = owner->second;
    const Process& ended = processes_.at(slot.raw());
    if (ended.life != Life::Taken) mistake("a process is released that has not ended");
    if (ended.has_space) mistake("a process is released before its space");
    std::erase_if(threads_, [&](const auto& thread) { return thread.second == slot; });
    processes_.erase(slot.raw());
    return {};
}

Result<platform::ProcessName> FakeSystem::process_of(Endpoint thread) const {
    const auto owner = threads_.find(thread.raw());
    if (owner == threads_.end()) return Error::DeadEndpoint;
    return platform::ProcessName{processes_.at(owner->second.raw()).endpoint, owner->second};
}

Result<void> FakeSystem::create_space(const platform::ProcessName& process, uint64_t pages) {
    if (const auto error = failure_at(Step::Space)) return *error;
    processes_.at(process.process.raw()).has_space = true;
    quota = pages;
    return {};
}

Result<platform::EntryPoint> FakeSystem::load_image(const LoadRequest& request) {
    if (const auto error = failure_at(Step::Load)) return *error;
    load = request;
    return platform::EntryPoint{VirtualAddress{0x40'0000}, VirtualAddress{0x7fff'0000}, 7};
}

Result<void> FakeSystem::share(ProcessId from, const VirtualRange& range, ProcessId to) {
    if (const auto error = failure_at(Step::Share)) return *error;
    if (!processes_.at(from.raw()).has_space || !processes_.at(to.raw()).has_space) mistake("sharing without spaces");
    shares.push_back(range);
    return {};
}

Result<void> FakeSystem::announce_end(ProcessId process) {
    Process& ending = processes_.at(process.raw());
    if (!ending.has_space) return Error::NoProcess;
    ending.end_announced = true;
    return {};
}

Result<void> FakeSystem::destroy_space(ProcessId process) {
    Process& ending = processes_.at(process.raw());
    if (ending.life != Life::Taken) mistake("the space of a process that runs is destroyed");
    if (!ending.has_space) return Error::NoProcess;
    if (!ending.end_announced) mistake("a space is destroyed whose end was not announced");
    ending.has_space = false;
    return {};
}

Result<platform::StoredImage> FakeSystem::find_image(const std::string& name) const {
    const auto found = images_.find(name);
    if (found == images_.end()) return Error::NoEntry;
    return found->second;
}

}  // namespace shoal::pm::test

namespace shoal::pm::platform {

using test::FakeSystem;

Result<ProcessName> create_process(const char* title, Endpoint parent) {
    return FakeSystem::instance().create(title, parent);
}
Result<void> set_privileges(Endpoint process, const Privileges& privileges) {
    return FakeSystem::instance().set_privileges(process, privileges);
}
Result<void> start_process(Endpoint process, const EntryPoint& start, uint64_t cpu) {
    return FakeSystem::instance().start(process, start, cpu);
}
Result<void> kill_process(Endpoint process, int64_t status) { return FakeSystem::instance().kill(process, status); }
Result<StoppedProcess> take_stopped() { return FakeSystem::instance().take_stopped(); }
Result<void> release_process(Endpoint process) { return FakeSystem::instance().release(process); }
Result<ProcessName> process_of(Endpoint thread) { return FakeSystem::instance().process_of(thread); }

// The programs of these tests live in our memory.
Result<void> copy_request(Endpoint, VirtualAddress from, SpawnRequest& to) {
    if (from.raw() == 0) return Error::BadAddress;
    std::memcpy(&to, reinterpret_cast<const void*>(from.raw()), sizeof to);
    return {};
}

Result<void> create_space(const ProcessName& process, uint64_t quota) {
    return FakeSystem::instance().create_space(process, quota);
}
Result<EntryPoint> load_image(const LoadRequest& request) { return FakeSystem::instance().load_image(request); }
Result<void> share_memory(ProcessId from, const VirtualRange& range, ProcessId to) {
    return FakeSystem::instance().share(from, range, to);
}
Result<void> announce_end(ProcessId process) { return FakeSystem::instance().announce_end(process); }
Result<void> destroy_space(ProcessId process) { return FakeSystem::instance().destroy_space(process); }
Result<StoredImage> find_image(const char (&name)[sizeof SpawnRequest::name]) {
    return FakeSystem::instance().find_image(name);
}
void tell_root(Endpoint child, int64_t status) { FakeSystem::instance().told_root.push_back({child, status}); }
void answer(Endpoint waiter, const Message& message) {
    FakeSystem::instance().answers.push_back({waiter, message.outcome(), Endpoint{static_cast<uint32_t>(message.words[1])},
                                              static_cast<int64_t>(message.words[2])});
}

}  // namespace shoal::pm::platform
