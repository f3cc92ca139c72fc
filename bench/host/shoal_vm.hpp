// ShoalVm: the VM server with one process, for the suites fault, map and unmap. Thread i of a benchmark is CPU i: it plays the
// program's thread there, and the worker that serves it as servers/vm/main/worker_loop.cpp does, without the traps between.
#pragma once

#include <mutex>

#include "tests/support/vm/harness.hpp"

namespace shoal::vm::bench {

// BigLock: all workers take turns, as servers with one lock do; everything else is the same.
enum class Locking : uint8_t { PerObject, BigLock };

class ShoalVm {
  public:
    ShoalVm(uint32_t cpus, Locking locking);
    // Ends the process and holds VM's books against each other; ends the program where they are wrong.
    ~ShoalVm();
    ShoalVm(const ShoalVm&) = delete;
    ShoalVm& operator=(const ShoalVm&) = delete;

    // One CPU's view. Several threads may use theirs at once.
    class Cpu {
      public:
        Cpu(ShoalVm& vm, uint32_t cpu);
        // Pages of memory, anywhere. Ends the program if VM refuses.
        VirtualAddress map(uint64_t pages);
        void unmap(VirtualAddress start, uint64_t pages);
        // Gives the pages back; the mapping stays.
        void discard(VirtualAddress start, uint64_t pages);
        // The first write to a page.
        void fault(VirtualAddress address);

      private:
        Action serve(Exchange& exchange);
        Message call(VmCall number, const Message& arguments);

        ShoalVm& vm_;
        WorkerContext context_;
    };

    [[nodiscard]] uint64_t frames_in_use() { return harness_.arena().frames_in_use(); }

  private:
    test::Harness harness_;
    ProcessId process_;
    Locking locking_;
    std::mutex big_lock_;
};

}  // namespace shoal::vm::bench
