#include "servers/pm/process_table.hpp"

#include <new>

namespace shoal::pm {
namespace {

bool matches(Endpoint wanted, const ProcessRecord& child) {
    return wanted == kAny || wanted == child.endpoint;
}

}  // namespace

Result<void> ProcessTable::initialise(uint32_t process_slots, uint32_t thread_slots) {
    records_ = new (std::nothrow) ProcessRecord[process_slots];
    waiters_ = new (std::nothrow) Waiter[thread_slots];
    if (records_ == nullptr || waiters_ == nullptr) return Error::NoMemory;
    process_slots_ = process_slots;
    thread_slots_ = thread_slots;

    root_ = &records_[kRsSlot];
    root_->state = ProcessRecord::State::Running;
    root_->process = ProcessId::of(kRsSlot, 1);
    root_->endpoint = kRs;
    return {};
}

ProcessRecord* ProcessTable::find_slot(ProcessId process) {
    if (process.slot() >= process_slots_) return nullptr;
    ProcessRecord& record = records_[process.slot()];
    const bool known = record.state != ProcessRecord::State::Free && record.process == process;
    return known ? &record : nullptr;
}

ProcessRecord* ProcessTable::find(ProcessId process) {
    ProcessRecord* record = find_slot(process);
    const bool alive = record != nullptr && record->state == ProcessRecord::State::Running;
    return alive ? record : nullptr;
}

namespace {

// The next of a family in depth-first order: the first child, else the next sibling of the nearest line that has one.
ProcessRecord* next_in_family(ProcessRecord& ancestor, ProcessRecord* at) {
    if (ProcessRecord* child = at->children.front(); child != nullptr) return child;
    for (; at != &ancestor; at = at->parent)
        if (ProcessRecord* sibling = at->parent->children.next(*at); sibling != nullptr)
            return sibling;
    return nullptr;
}

}  // namespace

ProcessRecord* ProcessTable::find_descendant(ProcessRecord& ancestor, Endpoint name) {
    ProcessRecord* at = &ancestor;
    while ((at = next_in_family(ancestor, at)) != nullptr)
        if (at->endpoint == name) return at;
    return nullptr;
}

ProcessRecord& ProcessTable::add(ProcessRecord& parent, ProcessId process, Endpoint endpoint) {
    ProcessRecord& record = records_[process.slot()];
    SHOAL_CHECK(record.state == ProcessRecord::State::Free);
    record.state = ProcessRecord::State::Building;
    record.process = process;
    record.endpoint = endpoint;
    record.status = 0;
    record.role = ProgramRole::User;
    record.parent = &parent;
    parent.children.push_back(record);
    return record;
}

void ProcessTable::mark_ended(ProcessRecord& record) {
    record.parent->children.remove(record);
    record.state = ProcessRecord::State::Ended;
    record.parent->ended.push_back(record);
}

void ProcessTable::remove(ProcessRecord& record) {
    SHOAL_CHECK(record.children.empty() && record.ended.empty() && record.waiters.empty());
    if (record.state == ProcessRecord::State::Ended)
        record.parent->ended.remove(record);
    else
        record.parent->children.remove(record);
    record.state = ProcessRecord::State::Free;
    record.parent = nullptr;
}

void ProcessTable::adopt(ProcessRecord& orphan, ProcessRecord& new_parent) {
    orphan.parent->children.remove(orphan);
    orphan.parent = &new_parent;
    new_parent.children.push_back(orphan);
}

void ProcessTable::add_waiter(ProcessRecord& process, Endpoint thread, Endpoint wanted) {
    Waiter& waiter = waiters_[thread.slot()];
    // Who asked before from this slot did not stay for the answer (Send instead of SendReceive): the new question replaces the
    // old one. It may have been another process' thread, which has ended since.
    if (waiter.link.linked()) waiter.process->waiters.remove(waiter);
    waiter.thread = thread;
    waiter.wanted = wanted;
    waiter.process = &process;
    process.waiters.push_back(waiter);
}

Endpoint ProcessTable::take_waiter_for(const ProcessRecord& child) {
    ProcessRecord& parent = *child.parent;
    for (Waiter* at = parent.waiters.front(); at != nullptr; at = parent.waiters.next(*at)) {
        if (!matches(at->wanted, child)) continue;
        parent.waiters.remove(*at);
        return at->thread;
    }
    return kNone;
}

Endpoint ProcessTable::take_idle_waiter(ProcessRecord& process) {
    for (Waiter* at = process.waiters.front(); at != nullptr; at = process.waiters.next(*at)) {
        if (has_living(process, at->wanted)) continue;
        process.waiters.remove(*at);
        return at->thread;
    }
    return kNone;
}

void ProcessTable::drop_waiters(ProcessRecord& process) {
    while (process.waiters.pop_front() != nullptr) {
    }
}

ProcessRecord* ProcessTable::find_ended(ProcessRecord& parent, Endpoint wanted) {
    for (ProcessRecord* at = parent.ended.front(); at != nullptr; at = parent.ended.next(*at))
        if (matches(wanted, *at)) return at;
    return nullptr;
}

bool ProcessTable::has_living(ProcessRecord& parent, Endpoint wanted) {
    for (ProcessRecord* at = parent.children.front(); at != nullptr; at = parent.children.next(*at))
        if (matches(wanted, *at)) return true;
    return false;
}

}  // namespace shoal::pm
