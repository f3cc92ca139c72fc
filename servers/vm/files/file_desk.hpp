// FileDesk: where the file server fetches what VM wants of it.
//
// VM calls nobody, so that nobody can keep it waiting: the server's threads ask (vfs_wait), and answer when they are done (vfs_reply). Any number of
// requests may be under way. What a server has been given and has not answered when it ends waits for the next one.
//
// A counter for each CPU: what its worker wants, the server's threads that wait there, and what they have been given. Where a thread of the server
// waits, or comes back to, on each CPU, CPUs have nothing to do with each other. A request that finds nobody waiting on its own CPU is offered on
// all: whoever waits elsewhere is called, and whoever asks looks around while anything is on offer. The offer is counted before others'
// counters are looked at under their locks, and they look at the count under these: so one of the two sees the other. Whoever is called and takes
// something that was on offer may leave behind what he was called for: then he offers that.
#pragma once

#include <atomic>

#include "base/lock/guard.hpp"
#include "servers/vm/files/file_request.hpp"
#include "servers/vm/requests/request.hpp"

namespace shoal::vm {

struct WorkerContext;

class FileDesk {
  public:
    explicit FileDesk(uint32_t cpus) : cpus_(cpus) {}
    // Whether anybody has ever asked: until then no file can be mapped.
    [[nodiscard]] bool served() const { return server_.load(std::memory_order_relaxed) != 0; }
    // Who asked last: its own faults are not served by itself. A hint.
    [[nodiscard]] bool is_server(ProcessId process) const { return served() && server_.load(std::memory_order_relaxed) == process.raw(); }

    // One of those who wait for it goes on.
    void add(WorkerContext& context, FileRequest& request);
    // What a server has been given. It may be answered, and gone, before whoever was given it has looked; so this is a copy.
    struct Job {
        uint64_t id = 0;
        FileWork work = FileWork::None;
        uint64_t pages = 0, handle = 0, page = 0;  // Read; handle of a Close, too
        ObjectName name;                           // likewise
        ProcessId process;                         // Lookup
        uint64_t descriptor = 0;                   // Lookup
    };
    // One that is the server's from now on; a Close is done with that. FileWork::None: there is none, and the receipt has been put aside. Needs a reserved
    // Request.
    Job next(WorkerContext& context, ProcessId server, const Receipt& receipt);
    // Who was called to fetch one has ended: another one is.
    void pass_on(WorkerContext& context);
    // One that the server has been given; nullptr: it has not.
    FileRequest* take(WorkerContext& context, ProcessId server, uint64_t id);
    // A process that has asked here has ended: what it has not answered is asked for once more. Goes over all CPUs.
    void server_gone(WorkerContext& context, ProcessId process);

    // For the audit: visit(const FileRequest&), wait(const Request*), the first of a chain.
    template <typename Visit, typename Wait>
    void for_each(LockContext& worker, Visit visit, Wait wait) {
        for (Counter& counter : counters_) {
            Guard guard(worker, counter.lock);
            counter.queue.for_each([&](const FileRequest& request) { visit(request); });
            counter.given.for_each([&](const FileRequest& request) { visit(request); });
            wait(counter.waiting);
        }
    }

  private:
    struct alignas(kCacheLine) Counter {
        SpinLock<VmRank::Depot> lock;
        List<FileRequest, &FileRequest::queued> queue GUARDED_BY(lock);
        Request* waiting GUARDED_BY(lock) = nullptr;
        AvlTree<FileRequest, &FileRequest::given, FileRequest::Id> given GUARDED_BY(lock);
        uint64_t last_id GUARDED_BY(lock) = 0, asked GUARDED_BY(lock) = 0;
    };
    [[nodiscard]] Counter& counter_of(CpuId cpu) { return counters_[cpu.index()]; }
    static Request* wake(Counter& counter) REQUIRES(counter.lock);
    void count_offers(Counter& counter) REQUIRES(counter.lock);
    struct Fetched {
        FileRequest* request;
        bool was_offered;
    };
    Fetched fetch(Counter& counter, FileRequest* request) REQUIRES(counter.lock);
    Fetched fetch_offered(WorkerContext& context, uint64_t turn);
    void call_someone(WorkerContext& context);
    Job give(WorkerContext& context, FileRequest& request, ProcessId server);

    const uint32_t cpus_;
    std::atomic<uint32_t> server_{0};
    // Requests in queues that are on offer. seq_cst, and under a counter's lock where it is decided by: see above
    alignas(kCacheLine) std::atomic<uint32_t> offered_{0};
    Counter counters_[kMaxCpus];
};

}  // namespace shoal::vm
