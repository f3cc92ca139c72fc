// Machine: the kernel and the CPUs under VM, on the host. Each CPU has tables per space into which last-level tables are
// linked, a TLB that keeps what it has seen until it is flushed, and a queue of messages to its worker.
//
// Split-phase flushes are real: a CPU acknowledges when it is next driven. A CPU is driven by one thread at a time (turn).
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "abi/trap.hpp"
#include "servers/vm/leaf/page_entry.hpp"
#include "servers/vm/platform/platform.hpp"
#include "servers/vm/platform/refill.hpp"
#include "servers/vm/requests/action.hpp"
#include "servers/vm/requests/request.hpp"

namespace shoal::vm::test {

// A test's say about how caches are filled.
class Refills {
  public:
    virtual ~Refills() = default;
    // Of the driven CPU's.
    virtual platform::Refill next(CpuId cpu) = 0;
};

class Machine {
  public:
    explicit Machine(uint32_t cpus);
    ~Machine();
    Machine(const Machine&) = delete;
    Machine& operator=(const Machine&) = delete;
    static Machine& instance();

    // The CPU that this thread drives now.
    void drive(CpuId cpu);
    [[nodiscard]] CpuId driven() const;
    std::mutex& turn(CpuId cpu) { return at(cpu).turn; }
    [[nodiscard]] uint32_t cpus() const { return static_cast<uint32_t>(cpus_.size()); }

    // On the driven CPU: takes a message for its worker; false: none.
    bool receive(Receipt& receipt);
    // Serves flushes that other CPUs asked this one for.
    void acknowledge();
    [[nodiscard]] bool busy(CpuId cpu);

    // What the walker and the TLB of the driven CPU find; nothing held: a page fault.
    PageEntry translate(ProcessId process, VirtualAddress address, Access needed);
    void link(ProcessId process, TableLink link);
    void flush_local(ProcessId process);
    // A TLB hit whose frame is no page any more.
    std::atomic<uint64_t> stale_uses{0};
    std::atomic<uint64_t> remote_flushes{0};

    // Calls visit(CpuId, process slot, base address, PhysicalAddress of the table) for every table that some CPU has linked.
    template <typename Visit>
    void for_each_link(Visit visit) {
        for (uint32_t cpu = 0; cpu < cpus(); ++cpu)
            for (const auto& [where, table] : at(CpuId::from(cpu)).links)
                visit(CpuId::from(cpu), static_cast<uint32_t>(where >> 36),
                      VirtualAddress{(where & ((uint64_t{1} << 36) - 1)) << kLeafShift}, table);
    }
    // What VM has printed since the last call.
    std::string take_printed();

    void add_process(ProcessId process, CpuId home);
    void stop(ProcessId process);
    // What the kernel says to swaps.
    void set_swap_outcome(Error error) { swap_outcome_ = error; }
    [[nodiscard]] bool stopped(ProcessId process);
    void post_to(CpuId cpu, const Message& message);

    // Memory of a device, and who may map it: everybody who is not denied. What it holds.
    static constexpr FrameRange kDevice{FrameNumber{uint64_t{1} << 36}, 2048};
    uint64_t* device_word(FrameNumber frame, VirtualAddress address);
    void deny_devices(ProcessId process) { denied_ = process; }

    // Who decides about refills; nullptr: all are ample.
    std::atomic<Refills*> refills{nullptr};

    // The platform's functions.
    // Of whatever machine there is.
    static platform::Refill next_refill();
    Result<void> may_map(ProcessId process, PhysicalAddress start, uint64_t bytes);
    // By which grants a map request with this sequence number has come. Returns the number.
    uint32_t add_grant_path(const GrantPath& path);
    Result<GrantPath> grant_path(uint32_t sequence);
    // From so many more of these on the next one fails; once.
    void change_paths_after(unsigned lookups, Error error);
    Result<platform::Posted> flush(const FlushRequest& request, bool unlinks);
    Result<void> destroy_space(ProcessId process);
    Result<CpuId> home_of(ProcessId process);
    Result<Endpoint> swap(ProcessId source, ProcessId destination, Endpoint asker);
    void lend(PhysicalAddress area);
    Result<PhysicalAddress> reclaim();
    void print(const char* text, uint64_t bytes);

  private:
    struct Flight {
        FlushRequest request;
        CpuId asker;
        std::atomic<uint32_t> left{0};
        bool whole_space = false;
        bool unlinks = false;
    };
    using PageKey = uint64_t;  // process slot << 36 | page number
    struct Cpu {
        std::mutex turn;
        std::mutex post;  // protects inbox and flights
        std::deque<Message> inbox;
        std::deque<std::shared_ptr<Flight>> flights;
        std::unordered_map<PageKey, PageEntry> tlb;
        std::unordered_map<PageKey, PhysicalAddress> links;  // process slot << 36 | leaf number
    };
    static PageKey key(ProcessId process, uint64_t number) { return uint64_t{process.slot()} << 36 | number; }
    Cpu& at(CpuId cpu) { return *cpus_[cpu.index()]; }
    Cpu& own() { return at(driven()); }
    static void unlink_tables(Cpu& cpu, const FlushRequest& request);
    void apply(Cpu& cpu, const Flight& flight);
    void send_out(const std::shared_ptr<Flight>& flight, const CpuSet& targets);

    std::vector<std::unique_ptr<Cpu>> cpus_;
    std::mutex processes_lock_;
    std::map<uint32_t, CpuId> homes_;
    std::vector<PhysicalAddress> lent_;
    std::mutex paths_lock_;
    std::map<uint32_t, GrantPath> paths_;
    uint32_t last_path_ = 0;
    unsigned good_paths_left_ = 0;
    Error path_error_ = Error::None;
    ProcessId denied_{};
    std::atomic<Error> swap_outcome_{Error::None};
    std::map<uint64_t, uint64_t> device_;  // by physical address, of words; under processes_lock_
    std::string printed_;
    std::vector<std::atomic<uint32_t>> stopped_;  // by slot: the process whose threads have stopped
};

}  // namespace shoal::vm::test
