// Process: the type-stable block of one process slot. Its number is the number of its space.
//
// Members marked "constant" are set before the first thread runs and do not change until the slot is released.
#pragma once

#include <atomic>
#include <cstdint>

#include "abi/endpoint.hpp"
#include "abi/privileges.hpp"
#include "base/containers/list.hpp"
#include "base/lock/spin_lock.hpp"
#include "base/thread_safety.hpp"
#include "kernel/core/mail/mail_node.hpp"
#include "kernel/core/thread.hpp"

namespace shoal::kernel {

enum class ProcessState : uint8_t {
    Free,
    Created,   // no thread has run
    Running,
    Dying,     // killed: its threads are being stopped
    Stopped,   // none runs any more; its manager has not taken it yet
    Reaped,    // taken by its manager; slots still taken
};

// A name that other CPUs may read while the slot changes hands; what they conclude from it, the name's holder checks.
class SharedEndpoint {
  public:
    // acquire pairs with operator=: who sees a process' name also sees how the one before it in that slot has ended
    operator Endpoint() const { return Endpoint{raw_.load(std::memory_order_acquire)}; }  // NOLINT: reads as a plain one
    [[nodiscard]] uint32_t slot() const { return Endpoint{*this}.slot(); }
    [[nodiscard]] uint32_t raw() const { return Endpoint{*this}.raw(); }
    SharedEndpoint& operator=(Endpoint endpoint) {
        raw_.store(endpoint.raw(), std::memory_order_release);  // pairs with the conversion
        return *this;
    }

  private:
    std::atomic<uint32_t> raw_{kNone.raw()};
};

// Counts the ends of system processes, which alone notify: the time by which it is known whose notifications are void.
inline std::atomic<uint64_t> ended_processes{0};

struct alignas(kCacheLine) Process {
    // Read on the IPC path; constant.
    Privileges privileges{};
    SharedEndpoint first_thread;       // its name, and the source of its notifications
    std::atomic<uint32_t> name{0};     // its ProcessId; 0 while the slot is free. Read by all CPUs
    char title[17] = {};               // constant, ends with NUL

    // Changed by any CPU, under the lock.
    std::atomic<ProcessState> state{ProcessState::Free};
    std::atomic<uint64_t> ended{0};          // ended_processes as the last system process of this slot ended
    std::atomic<uint32_t> live_threads{0};   // not Dead; who takes it to 0 goes on with the end of the process
    int64_t status = 0;                      // written by the killer, read by the manager
    Endpoint manager = kNone;                // constant; hears of its end
    Endpoint parent = kNone;                 // constant

    // Stopping: kernel/core/objects/hold.hpp. Both change hands with what two processes are when they are swapped.
    std::atomic<bool> stopping{false};        // process_stop, until process_resume; the lock, read by the threads' homes
    std::atomic<uint32_t> quiet_threads{0};   // Held, and nothing of theirs is under way; each counted by its home

    // Grants: the table in its own memory (kernel/core/space/). Changed by its threads, read at each use by others.
    std::atomic<uint64_t> grant_table{0};
    std::atomic<uint64_t> grant_count{0};

    SpinLock<KernelRank::Process> lock;
    List<Thread, &Thread::process_link> threads;  // with a slot; the lock
    MailNode notice;                         // Stopped: to the manager's home, which then has it among its stopped children
    uint16_t generation = 0;                 // of the last incarnation; the lock
    ListHook slot_link;                      // of the free slots, or the manager's stopped children
    List<Process, &Process::slot_link> stopped_children;  // that it has not taken, oldest first; the lock

    [[nodiscard]] ProcessId id() const { return ProcessId{name.load(std::memory_order_relaxed)}; }
    [[nodiscard]] bool is_system() const { return (privileges.flags & kSystemProcess) != 0; }
};

}  // namespace shoal::kernel
