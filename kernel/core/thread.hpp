// Thread: the type-stable block of one thread slot.
//
// Unless a line says otherwise a member is read and written by the thread's home CPU alone, interrupts off. While a thread
// is in another's hands (queued at a receiver, in a VM worker's hands) its registers may be read by that one's home CPU;
// the mail that hands them over orders the accesses. While its process is stopped and quiet registers, FPU state, priority and held are of whoever
// swaps the process (kernel/core/objects/process_swap.hpp).
#pragma once

#include <atomic>
#include <cstddef>

#include "abi/endpoint.hpp"
#include "abi/trap.hpp"
#include "base/containers/list.hpp"
#include "base/cpu.hpp"
#include "kernel/core/fault_record.hpp"
#include "kernel/core/ipc/async_table.hpp"
#include "kernel/core/machine.hpp"
#include "kernel/core/mail/mail_node.hpp"
#include "kernel/core/registers.hpp"
#include "kernel/core/sched/timer_queue.hpp"

namespace shoal::kernel {

struct Process;

enum class ThreadState : uint8_t {
    Free,       // slot not taken
    Stopped,    // created, not started
    Ready,      // runs or waits for the CPU
    Sending,    // in the hands of the receiver's home until Completed
    Receiving,  // from receive_from
    Asking,     // waits for another CPU's answer that comes without any thread's help
    InVmHands,  // a page fault or memory request; fault says which
    Sleeping,   // in a wait bucket
    Held,       // of a stopped process: in nobody's hands; held says how it goes on
    Dead,       // stopped for good; its slot is not free yet
};

// Why a thread cannot simply go on receiving: bits of Thread::pending.
enum Pending : uint8_t {
    kPendingNotification = 1 << 0,
    kPendingAsync = 1 << 1,
    kPendingFromKernel = 1 << 2,  // workers: messages of the kernel
};

enum ThreadFlags : uint16_t {
    kFinishingSendReceive = 1 << 0,  // receives the partner's reply: nothing else gets in between
    kReplyWhenSent = 1 << 1,         // Sending: goes on to receive from the partner
    kReceiveWhenSent = 1 << 2,       // Asking about a reply that could not be left behind: goes on to receive
    kInTransit = 1 << 3,             // on its way to a new home's run queue
    kStopOnArrival = 1 << 4,         // killed on that way
    kWorker = 1 << 5,                // a VM worker
    kMustMove = 1 << 6,              // its CPU is none that its affinity allows: migrates when next about to run
    kReplay = 1 << 7,                // its trap found a page absent: the trap is carried out anew when it next runs
    kEnding = 1 << 8,                // killed while in another CPU's hands: dies when it comes back
    kWithdrawing = 1 << 9,           // its withdraw node is away, maybe for an earlier send
    kNonBlockingReceive = 1 << 10,   // with kReceiveWhenSent: NotReady instead of waiting
    kPulling = 1 << 12,              // Asking for an asynchronous message; with kReceiveWhenSent
    kRestoreAsync = 1 << 13,         // its table of asynchronous messages was absent: touched before it next runs
    kRestoringAsync = 1 << 14,       // InVmHands: for that, not for a call
    kHold = 1 << 15,                 // of a stopped process: held when it is next about to run
};

// Notifications that come from no process.
enum SpecialSource : uint8_t { kFromClock = 1 << 0, kFromKernelItself = 1 << 1, kFromAsync = 1 << 2 };

// One bit for each of the first 256 process slots.
struct NotificationSet {
    static constexpr unsigned kSources = 256;
    uint64_t words[kSources / 64] = {};

    void add(uint32_t slot) { words[slot / 64] |= uint64_t{1} << (slot % 64); }
    void remove(uint32_t slot) { words[slot / 64] &= ~(uint64_t{1} << (slot % 64)); }
    [[nodiscard]] bool empty() const { return (words[0] | words[1] | words[2] | words[3]) == 0; }
};

struct alignas(kCacheLine) Thread {
    static constexpr uint32_t kNeverTaken = ~uint32_t{0};

    Registers registers;  // first: the entry code saves them here

    // What the IPC path touches, on one line.
    alignas(kCacheLine) std::atomic<uint32_t> name{0};  // its Endpoint; read by all CPUs, changed with the slot
    std::atomic<uint16_t> home{0};   // read by all CPUs; stored with release by the old home only
    ThreadState state = ThreadState::Free;
    uint8_t priority = 0;
    Endpoint receive_from = kNone;   // Receiving: whom from, or kAny. Held: likewise, as far as its home has heard of swaps
    Endpoint sending_to = kNone;     // Sending: to whom
    uint16_t flags = 0;              // ThreadFlags
    uint8_t pending = 0;             // Pending
    uint8_t no_fpu = 0;              // its FPU state is not switched
    Endpoint source_name;            // what receivers see and name: its endpoint, or kVm for a worker
    Process* process = nullptr;      // constant while the thread lives
    std::atomic<uint32_t> process_slot{kNeverTaken};  // the same; for other CPUs' privilege checks: read between two reads of name
    uint64_t wait_stamp = 0;         // Sending, Receiving: the probe clock when the wait began
    ListHook queue_link;             // of the run queue, a caller queue or a wait bucket: never two of them

    alignas(kCacheLine) List<Thread, &Thread::queue_link> callers;  // threads that wait to send to this one, oldest first
    NotificationSet notified;        // by process slot of the source
    uint64_t notified_as_of = 0;     // ended_processes when all of these sources were last known not to have ended
    uint8_t notified_special = 0;    // SpecialSource
    uint8_t sent_by = 0;             // Sending: the trap's number
    uint8_t nodes_out = 0;           // nodes of an ended thread that are not back; a slot with any is not freed
    machine::SegmentBases bases;     // as last saved; those of Cpu::bases_owner are in the registers
    ListHook home_link;              // of the home's list of its threads

    FaultRecord fault;               // kernel/core/space/
    void* fpu_state = nullptr;       // its own, for as long as the kernel lives

    uint64_t affinity = ~uint64_t{0};  // a CPU number or kAnyCpu
    Timer alarm, timeout;
    uint64_t alarm_in_transit = 0;     // the alarm's deadline while the thread is kInTransit
    VirtualAddress wait_address;       // Sleeping: the word
    NotificationSet async_sources;     // by process slot: who may have an asynchronous message for it
    AsyncTable async;                  // its own asynchronous messages
    AsyncNode async_offer;
    std::atomic<uint8_t> watched{0};   // somebody elsewhere may wait to receive from it: set by any CPU, read at its death
    std::atomic<uint16_t> withdrawn{0};  // the outcome, if its request must not be queued any more: set by the home, read by the receiver's

    // Mail; see enum Mail for who posts which.
    struct RequestNode : MailNode {
        Endpoint sender;
        Error outcome = Error::None;
        bool only_as_reply = false;    // the sender may send only what the target waits for
        CpuId cpu;                     // Affinity
        // Affinity: the CPU; AsyncPull: 0 or the process slot + 1 of a sender that has more; ResumeAsked: sequence, outcome below it
        uint64_t value = 0;
    } request;
    struct ReplyNode : ClaimableNode {
        Endpoint source;               // source_name of the sender
        bool only_as_reply = false;
        bool kept = false;             // it has come while the thread was Held
        Message message;
    } reply;
    struct ProbeNode : ClaimableNode {
        Endpoint initiator;
        uint64_t stamp = 0;
        uint32_t hops = 0;
        bool initiator_sends = false, cycle = false;
        std::atomic<bool> again{false};
    } probe;
    struct ResumeNode : ClaimableNode {
        uint32_t sequence = 0;
        Error outcome = Error::None;
    } resume;
    struct HoldNode : ClaimableNode {
        bool swapped = false;          // what it is in the middle of is another thread's now
    } hold;
    MailNode withdraw, stop, arrive, wake, obituary;

    // How a Held thread goes on.
    enum class Next : uint8_t {
        Start,    // is started, if ever
        Run,
        Receive,  // receives from `from`
        Answer,   // receives `from`'s answer to what it has asked
    };
    struct HeldPart {
        Next next = Next::Run;
        bool replay = false;  // kReplay
        Endpoint from = kNone;
    } held;
    bool quiet = false;    // Held, and counted in Process::quiet_threads
    bool started = false;  // Held, and its start has come meanwhile

    // Of the slot; under the lock of its process.
    ListHook process_link;             // of its process' threads
    std::atomic<uint8_t> priority_hint{0};  // for other CPUs' choice whether to interrupt
    uint16_t generation = 0;           // of the last incarnation; 0: the slot was never taken
    bool stop_posted = false, stop_handled = false, stop_was_awaited = false;

    // What the trap or kernel call that it is in returns.
    void set_result(Error error) { registers.rax = static_cast<uint64_t>(to_register(error)); }
    [[nodiscard]] bool has_result(Error error) const { return registers.rax == static_cast<uint64_t>(to_register(error)); }

    [[nodiscard]] Endpoint endpoint() const { return Endpoint{name.load(std::memory_order_relaxed)}; }
    // Acquire pairs with the release store of the old home in migrate(): what it did to the thread is done.
    [[nodiscard]] CpuId home_cpu() const { return CpuId{home.load(std::memory_order_acquire)}; }
    [[nodiscard]] bool is(ThreadFlags flag) const { return (flags & flag) != 0; }
    void set(ThreadFlags flag) { flags = static_cast<uint16_t>(flags | flag); }
    void clear(ThreadFlags flag) { flags = static_cast<uint16_t>(flags & ~flag); }
};
// Thread has bases in its nodes, so offsetof is only conditionally supported; both compilers support it.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Winvalid-offsetof"
static_assert(offsetof(Thread, registers) == 0, "known to the entry code");
#pragma GCC diagnostic pop

// The endpoint of a slot that holds no thread.
inline constexpr Endpoint kNoName{0};

}  // namespace shoal::kernel
