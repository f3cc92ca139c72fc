#include "servers/pm/reaper.hpp"

#include <stdio.h>

#include "servers/pm/platform/platform.hpp"

namespace shoal::pm {

namespace {

void answer_waiter(Endpoint waiter, const EndedProcess& child) {
    Message answer;
    answer.set_outcome(Error::None);
    answer.words[1] = child.endpoint.raw();
    answer.words[2] = static_cast<uint64_t>(child.status);
    platform::answer(waiter, answer);
}

}  // namespace

void Reaper::collect() {
    for (;;) {
        const auto stopped = platform::take_stopped();
        if (!stopped.ok()) return;
        ProcessRecord* record = table_.find_slot(stopped.value().process);
        if (record == nullptr) {
            printf("pm: process %#x ended, which PM has not made\n", stopped.value().process.raw());
            continue;
        }
        record->status = stopped.value().status;
        bury(*record);
    }
}

// Its frames go first: who hears of the end may rely on their being free.
void Reaper::bury(ProcessRecord& record) {
    Error error = platform::announce_end(record.process).error();
    if (error == Error::None) error = platform::destroy_space(record.process).error();
    if (error != Error::None && error != Error::NoProcess)  // NoProcess: it ended before it had a space
        printf("pm: VM did not destroy the space of %#x: %s\n", record.process.raw(),
               error_text(error));
    settle_family(record);
    if (record.state == ProcessRecord::State::Building)
        release(record);
    else
        tell_parent(record);
}

void Reaper::settle_family(ProcessRecord& record) {
    table_.drop_waiters(record);
    while (ProcessRecord* ended = record.ended.front()) release(*ended);
    while (ProcessRecord* orphan = record.children.front()) table_.adopt(*orphan, table_.root());
}

void Reaper::tell_parent(ProcessRecord& record) {
    ProcessRecord& parent = *record.parent;
    table_.mark_ended(record);
    if (&parent == &table_.root()) {
        const EndedProcess ended = record.summary();
        release(record);
        platform::tell_root(ended.endpoint, ended.status);
        return;
    }
    const Endpoint waiter = table_.take_waiter_for(record);
    if (waiter == kNone) return;
    const EndedProcess ended = record.summary();
    release(record);  // before the answer, so that who hears of it finds the slots free
    answer_waiter(waiter, ended);
    answer_idle_waiters(parent);
}

// Others waited for the same child, or for any when this was the last: nothing will come for them.
void Reaper::answer_idle_waiters(ProcessRecord& parent) {
    Message answer;
    answer.set_outcome(Error::NoChild);
    for (Endpoint waiter = table_.take_idle_waiter(parent); waiter != kNone;
         waiter = table_.take_idle_waiter(parent))
        platform::answer(waiter, answer);
}

void Reaper::release(ProcessRecord& record) {
    const Endpoint endpoint = record.endpoint;
    table_.remove(record);
    const Error error = platform::release_process(endpoint).error();
    if (error != Error::None)
        printf("pm: the slots of %#x are lost: %s\n", endpoint.raw(), error_text(error));
}

}  // namespace shoal::pm
