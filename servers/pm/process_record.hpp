// What PM knows of one process: a record per process slot of the kernel, type-stable, valid while `process` matches.
#pragma once

#include <cstdint>

#include "abi/endpoint.hpp"
#include "abi/pm_calls.hpp"
#include "base/containers/list.hpp"

namespace shoal::pm {

struct ProcessRecord;

// A thread whose Wait is not answered yet: one per thread slot.
struct Waiter {
    Endpoint thread = kNone;
    Endpoint wanted = kAny;
    ProcessRecord* process = nullptr;  // among whose waiters it is, while it is linked
    ListHook link;  // of its process' waiters
};

// What a parent hears of a child.
struct EndedProcess {
    Endpoint endpoint;
    int64_t status;
};

struct ProcessRecord {
    enum class State : uint8_t {
        Free,
        Building,  // made, not started: if it ends now, its parent never heard of it
        Running,
        Ended,     // its space is gone; the slots stay until the parent has asked
    };

    State state = State::Free;
    ProcessId process{};
    Endpoint endpoint = kNone;  // of its first thread: its name
    int64_t status = 0;
    ProgramRole role = ProgramRole::User;
    ProcessRecord* parent = nullptr;  // never null while not Free, but for RS

    ListHook link;  // of the parent's children or ended children
    List<ProcessRecord, &ProcessRecord::link> children;  // Building and Running
    List<ProcessRecord, &ProcessRecord::link> ended;
    List<Waiter, &Waiter::link> waiters;

    [[nodiscard]] EndedProcess summary() const { return {endpoint, status}; }
};

}  // namespace shoal::pm
