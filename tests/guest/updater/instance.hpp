// Instance: a server process in one of several versions, made at the interfaces of kernel and VM as RS makes one: a copy of this process that runs
// a loop of its own. It begins as one that is prepared. What it has is its version, how many calls it has served, and what it has mapped.
#pragma once

#include "abi/endpoint.hpp"
#include "base/address.hpp"
#include "base/result.hpp"

namespace shoal::test {

enum class InstanceCall : uint32_t {
    Serve = 1,  // answers with its version, and counts
    Map,        // maps a page at word 1, and writes word 2 there
    Read,       // answers with what is at word 1
    Report,     // answers with its version and its count
    Prepare,    // answers, and hears nobody but its maker until Go
    Go,
};

// What it has answered in words 1 and 2.
struct InstanceAnswer {
    uint64_t first = 0, second = 0;
};

class Instance {
  public:
    // cpu: where it runs. Needs ProgramRole::ProcessManager. Errors: those of the calls.
    static Result<Instance> start(uint64_t version, uint64_t cpu);
    // Afterwards all that it held is free.
    Result<void> end() const;

    [[nodiscard]] Endpoint endpoint() const { return endpoint_; }
    [[nodiscard]] ProcessId process() const { return process_; }
    Result<InstanceAnswer> call(InstanceCall what, uint64_t first = 0, uint64_t second = 0) const;

    // One that is prepared. Returns when nothing of it is under way.
    Result<void> stop() const;
    Result<void> resume() const;

  private:
    Instance(Endpoint endpoint, ProcessId process) : endpoint_(endpoint), process_(process) {}

    Endpoint endpoint_;
    ProcessId process_;
};

}  // namespace shoal::test
