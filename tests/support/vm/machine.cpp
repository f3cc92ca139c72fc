#include "tests/support/vm/machine.hpp"

#include <cstdio>
#include <utility>

#include "servers/vm/arena/window.hpp"
#include "servers/vm/frames/frame_table.hpp"

namespace shoal::vm::test {

namespace {

Machine* the_machine = nullptr;
thread_local CpuId driven_cpu;

}  // namespace

Machine::Machine(uint32_t cpus) : stopped_(uint32_t{1} << kEndpointSlotBits) {
    for (uint32_t i = 0; i < cpus; ++i) cpus_.push_back(std::make_unique<Cpu>());
    the_machine = this;
}
Machine::~Machine() { the_machine = nullptr; }
Machine& Machine::instance() { return *the_machine; }
void Machine::drive(CpuId cpu) { driven_cpu = cpu; }
CpuId Machine::driven() const { return driven_cpu; }

bool Machine::receive(Receipt& receipt) {
    Cpu& cpu = own();
    std::lock_guard guard(cpu.post);
    if (cpu.inbox.empty()) return false;
    receipt.message = cpu.inbox.front();
    receipt.status = kFromKernel;
    receipt.rounds = 0;
    receipt.again = false;
    cpu.inbox.pop_front();
    return true;
}

void Machine::post_to(CpuId target, const Message& message) {
    Cpu& cpu = at(target);
    std::lock_guard guard(cpu.post);
    cpu.inbox.push_back(message);
}

bool Machine::busy(CpuId target) {
    Cpu& cpu = at(target);
    std::lock_guard guard(cpu.post);
    return !cpu.inbox.empty() || !cpu.flights.empty();
}

void Machine::unlink_tables(Cpu& cpu, const FlushRequest& request) {
    if (request.count == FlushRequest::kFlushAll)
        return (void)std::erase_if(cpu.links, [&](const auto& link) { return link.first >> 36 == request.process.slot(); });
    for (uint32_t i = 0; i < request.count; ++i)
        for (VirtualAddress at = request.ranges[i].start; at < request.ranges[i].end; at = at + kLeafSize)
            cpu.links.erase(key(request.process, at.raw() >> kLeafShift));
}

void Machine::apply(Cpu& cpu, const Flight& flight) {
    const FlushRequest& request = flight.request;
    const bool all = request.count == FlushRequest::kFlushAll;
    for (auto entry = cpu.tlb.begin(); entry != cpu.tlb.end();) {
        const VirtualAddress address{(entry->first & ((uint64_t{1} << 36) - 1)) << kPageShift};
        bool hit = entry->first >> 36 == request.process.slot() && all;
        for (uint32_t i = 0; !all && i < request.count; ++i)
            hit = hit || (entry->first >> 36 == request.process.slot() && request.ranges[i].contains(address));
        entry = hit ? cpu.tlb.erase(entry) : std::next(entry);
    }
    if (flight.unlinks) unlink_tables(cpu, request);
    if (!flight.whole_space) return;
    for (auto entry = cpu.links.begin(); entry != cpu.links.end();)
        entry = entry->first >> 36 == request.process.slot() ? cpu.links.erase(entry) : std::next(entry);
}

void Machine::send_out(const std::shared_ptr<Flight>& flight, const CpuSet& targets) {
    flight->left = static_cast<uint32_t>(targets.size());
    targets.for_each([&](CpuId target) {
        Cpu& cpu = at(target);
        std::lock_guard guard(cpu.post);
        cpu.flights.push_back(flight);
    });
}

void Machine::acknowledge() {
    Cpu& cpu = own();
    for (;;) {
        std::shared_ptr<Flight> flight;
        {
            std::lock_guard guard(cpu.post);
            if (cpu.flights.empty()) return;
            flight = cpu.flights.front();
            cpu.flights.pop_front();
        }
        apply(cpu, *flight);
        if (flight->left.fetch_sub(1) != 1) continue;
        Message message;
        message.set_type(flight->whole_space ? kSpaceGone : kFlushDone);
        message.words[1] = flight->whole_space ? flight->request.process.raw() : flight->request.cookie;
        post_to(flight->asker, message);
    }
}

Result<platform::Posted> Machine::flush(const FlushRequest& request, bool unlinks) {
    CpuSet others = request.cpus;
    if (others.contains(driven())) {
        Flight here;
        here.request = request;
        here.unlinks = unlinks;
        apply(own(), here);
        others.remove(driven());
    }
    if (others.empty()) return platform::Posted::Done;
    auto flight = std::make_shared<Flight>();
    flight->unlinks = unlinks;
    flight->request = request;
    flight->asker = driven();
    ++remote_flushes;
    send_out(flight, others);
    return platform::Posted::Pending;
}

// Its half of the work, of which VM sees nothing but the outcome. Whoever asks in a test is known by a name of its own.
Result<Endpoint> Machine::swap(ProcessId source, ProcessId destination, Endpoint asker) {
    std::lock_guard guard(processes_lock_);
    if (!homes_.contains(source.raw()) || !homes_.contains(destination.raw())) return Error::NoProcess;
    const Error outcome = swap_outcome_;
    if (outcome != Error::None) return outcome;
    return asker;
}

Result<void> Machine::destroy_space(ProcessId process) {
    {
        std::lock_guard guard(processes_lock_);
        const auto found = homes_.find(process.raw());
        if (found == homes_.end()) return Error::NoProcess;
        homes_.erase(found);
    }
    auto flight = std::make_shared<Flight>();
    flight->request.process = process;
    flight->request.count = FlushRequest::kFlushAll;
    flight->asker = driven();
    flight->whole_space = true;
    send_out(flight, CpuSet::first(cpus()));
    return {};
}

void Machine::add_process(ProcessId process, CpuId home) {
    std::lock_guard guard(processes_lock_);
    homes_[process.raw()] = home;
}

void Machine::stop(ProcessId process) { stopped_[process.slot()].store(process.raw()); }
bool Machine::stopped(ProcessId process) { return stopped_[process.slot()].load() == process.raw(); }

Result<CpuId> Machine::home_of(ProcessId process) {
    std::lock_guard guard(processes_lock_);
    const auto found = homes_.find(process.raw());
    if (found == homes_.end()) return Error::NoProcess;
    return found->second;
}

void Machine::lend(PhysicalAddress area) {
    std::lock_guard guard(processes_lock_);
    lent_.push_back(area);
}

Result<PhysicalAddress> Machine::reclaim() {
    std::lock_guard guard(processes_lock_);
    if (lent_.empty()) return Error::NoEntry;
    const PhysicalAddress area = lent_.back();
    lent_.pop_back();
    return area;
}

// Like the kernel: not for a space that has ended.
void Machine::link(ProcessId process, TableLink link) {
    if (!link.wanted() || !home_of(process).ok()) return;
    own().links[key(process, link.base.raw() >> kLeafShift)] = link.table;
}

platform::Refill Machine::next_refill() {
    Refills* decide = the_machine == nullptr ? nullptr : the_machine->refills.load();
    return decide == nullptr ? platform::Refill::Ample : decide->next(driven_cpu);
}

void Machine::print(const char* text, uint64_t bytes) {
    std::lock_guard guard(processes_lock_);
    printed_.append(text, bytes);
    (void)fwrite(text, 1, bytes, stderr);
}

std::string Machine::take_printed() {
    std::lock_guard guard(processes_lock_);
    return std::exchange(printed_, {});
}

void Machine::flush_local(ProcessId process) {
    Flight flight;
    flight.request.process = process;
    flight.request.count = FlushRequest::kFlushAll;
    apply(own(), flight);
}

PageEntry Machine::translate(ProcessId process, VirtualAddress address, Access needed) {
    Cpu& cpu = own();
    const PageKey page = key(process, address.raw() >> kPageShift);
    if (const auto cached = cpu.tlb.find(page); cached != cpu.tlb.end()) {
        if (cached->second.access().allows(needed)) return cached->second;
        cpu.tlb.erase(cached);  // a fault drops the entry that caused it (SDM vol. 3A, 4.10.4.1)
    }
    const auto table = cpu.links.find(key(process, address.raw() >> kLeafShift));
    if (table == cpu.links.end()) return {};
    const auto* entries = window_pointer<const uint64_t>(table->second);
    const PageEntry entry =
        PageEntry::from_raw(__atomic_load_n(entries + page_in_leaf(address), __ATOMIC_ACQUIRE));
    if (!entry.present() || !entry.access().allows(needed)) return {};
    cpu.tlb[page] = entry;
    return entry;
}

uint64_t* Machine::device_word(FrameNumber frame, VirtualAddress address) {
    std::lock_guard guard(processes_lock_);
    return &device_[frame.address().raw() + address.page_offset()];
}

Result<void> Machine::may_map(ProcessId process, PhysicalAddress start, uint64_t bytes) {
    const uint64_t first = FrameNumber::of(start).raw(), end = first + PageCount::covering(bytes).raw();
    const bool device = first >= kDevice.first.raw() && end <= kDevice.end().raw();
    return device && process != denied_ ? Result<void>{} : Error::Permission;
}

uint32_t Machine::add_grant_path(const GrantPath& path) {
    std::lock_guard guard(paths_lock_);
    paths_[++last_path_] = path;
    return last_path_;
}

void Machine::change_paths_after(unsigned lookups, Error error) {
    std::lock_guard guard(paths_lock_);
    good_paths_left_ = lookups, path_error_ = error;
}

Result<GrantPath> Machine::grant_path(uint32_t sequence) {
    std::lock_guard guard(paths_lock_);
    if (path_error_ != Error::None && good_paths_left_-- == 0) return std::exchange(path_error_, Error::None);
    const auto found = paths_.find(sequence);
    if (found == paths_.end()) return Error::NoEntry;
    return found->second;
}

}  // namespace shoal::vm::test

namespace shoal::vm::platform {

using test::Machine;

Result<Posted> flush(const FlushRequest& request) { return Machine::instance().flush(request, false); }
Result<Posted> unlink(const FlushRequest& request) { return Machine::instance().flush(request, true); }
Result<void> may_swap(ProcessId source, ProcessId destination, Endpoint asker) {
    TRY(Machine::instance().swap(source, destination, asker));
    return {};
}
Result<Endpoint> swap(ProcessId source, ProcessId destination, Endpoint asker) { return Machine::instance().swap(source, destination, asker); }
Result<void> destroy_space(ProcessId process) { return Machine::instance().destroy_space(process); }
void call_worker(CpuId cpu) {
    Message message;
    message.set_type(kWorkerCalled);
    Machine::instance().post_to(cpu, message);
}
Result<CpuId> home_of(ProcessId process) { return Machine::instance().home_of(process); }
Result<void> may_map(ProcessId process, PhysicalAddress start, uint64_t bytes) {
    return Machine::instance().may_map(process, start, bytes);
}
Result<GrantPath> grant_path(Endpoint, uint32_t sequence) { return Machine::instance().grant_path(sequence); }
Result<void> lend_area(PhysicalAddress area) {
    Machine::instance().lend(area);
    return {};
}
Result<PhysicalAddress> reclaim_area() { return Machine::instance().reclaim(); }
Refill next_refill() { return Machine::next_refill(); }
void print(const char* text, uint64_t bytes) { Machine::instance().print(text, bytes); }

}  // namespace shoal::vm::platform
