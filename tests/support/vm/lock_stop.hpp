// LockStop: stops a CPU's worker where it next meets a lock that somebody holds, for as long as the test wants; so other
// operations run to their ends exactly between two of its steps, whatever the host's scheduler does.
//
//     LockStop stop(kCpu1);
//     std::thread fault;
//     {
//         Guard guard(holder.locks(), leaf->lock);
//         fault = std::thread([&] { vm.write(kCpu1, process, at, 1); });
//         ASSERT_TRUE(stop.reached());
//     }
//     vm.munmap(kCpu0, process, at, kPageSize);  // after the fault's lookup, before it has the leaf's lock
//     stop.release();
//     fault.join();
#pragma once

#include "base/cpu.hpp"

namespace shoal::vm::test {

class LockStop {
  public:
    // One at a time for a CPU.
    explicit LockStop(CpuId cpu);
    ~LockStop() { release(); }
    LockStop(const LockStop&) = delete;
    LockStop& operator=(const LockStop&) = delete;

    // Waits until the worker has stopped. False: it has not for many seconds, so it does not take the lock.
    [[nodiscard]] bool reached() const;
    void release();

    // By the thread that drives a CPU's worker, in each turn of its wait for a lock.
    static void pass(CpuId cpu);

  private:
    CpuId cpu_;
};

}  // namespace shoal::vm::test
