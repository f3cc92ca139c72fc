#include "servers/vm/files/file_desk.hpp"

#include "servers/vm/requests/parking.hpp"

namespace shoal::vm {

namespace {

// An id names the counter at which it was given.
constexpr unsigned kCpuBits = 8;
static_assert(kMaxCpus <= 1u << kCpuBits);

constexpr uint64_t kTurns = 4;

}  // namespace

Request* FileDesk::wake(Counter& counter) {
    Request* woken = counter.waiting;
    if (woken == nullptr) return nullptr;
    counter.waiting = woken->next;
    woken->next = nullptr;
    return woken;
}

// All that is queued there.
void FileDesk::count_offers(Counter& counter) {
    counter.queue.for_each([&](FileRequest& request) {
        if (request.offered) return;
        request.offered = true;
        offered_.fetch_add(1, std::memory_order_seq_cst);  // pairs with next()
    });
}

// request: in its queue, or nullptr.
FileDesk::Fetched FileDesk::fetch(Counter& counter, FileRequest* request) {
    if (request == nullptr) return {nullptr, false};
    counter.queue.remove(*request);
    if (!request->offered) return {request, false};
    request->offered = false;
    offered_.fetch_sub(1, std::memory_order_seq_cst);  // pairs with next()
    return {request, true};
}

// The first one who waits anywhere, for what is on offer.
void FileDesk::call_someone(WorkerContext& context) {
    for (uint32_t i = 0; i < cpus_; ++i) {
        Counter& counter = counters_[i];
        Request* woken = nullptr;
        {
            Guard guard(context.locks(), counter.lock);
            woken = wake(counter);
        }
        if (woken != nullptr) return release_all(context, woken);
    }
}

void FileDesk::add(WorkerContext& context, FileRequest& request) {
    Counter& counter = counter_of(context.cpu());
    Request* woken = nullptr;
    {
        Guard guard(context.locks(), counter.lock);
        counter.queue.push_back(request);
        woken = wake(counter);
        if (woken == nullptr) count_offers(counter);
    }
    if (woken != nullptr) release_all(context, woken);
    else call_someone(context);
}

// Another counter's turn to be the first with each; our own comes last.
FileDesk::Fetched FileDesk::fetch_offered(WorkerContext& context, uint64_t turn) {
    for (uint32_t i = 0; i < cpus_; ++i) {
        const uint64_t at = i + 1 < cpus_ ? (context.cpu().raw() + 1 + (turn + i) % (cpus_ - 1)) % cpus_ : context.cpu().raw();
        Counter& counter = counters_[at];
        Guard guard(context.locks(), counter.lock);
        FileRequest* request = counter.queue.front();
        while (request != nullptr && !request->offered) request = counter.queue.next(*request);  // somebody there is awake for it
        if (request != nullptr) return fetch(counter, request);
    }
    return {nullptr, false};
}

// Before anybody can answer it.
FileDesk::Job FileDesk::give(WorkerContext& context, FileRequest& request, ProcessId server) {
    Job job{0, request.work, request.pages, request.handle, request.page, request.name, request.process, request.descriptor};
    if (request.work == FileWork::Close) {
        context.slabs().destroy(&request);
        return job;
    }
    Counter& counter = counter_of(context.cpu());
    Guard guard(context.locks(), counter.lock);
    request.server = server;
    request.id = job.id = ++counter.last_id << kCpuBits | context.cpu().raw();
    counter.given.insert(request);
    return job;
}

FileDesk::Job FileDesk::next(WorkerContext& context, ProcessId server, const Receipt& receipt) {
    if (!is_server(server)) server_.store(server.raw(), std::memory_order_relaxed);
    Counter& counter = counter_of(context.cpu());
    for (;;) {
        Fetched fetched{nullptr, false};
        uint64_t turn = 0;
        {
            Guard guard(context.locks(), counter.lock);
            turn = ++counter.asked;
            // Now and then others come first, so that a CPU that is never at a loss does not let them wait for ever.
            const bool others_first = turn % kTurns == 0 && offered_.load(std::memory_order_seq_cst) != 0;  // pairs with count_offers()
            if (!others_first) fetched = fetch(counter, counter.queue.front());
            // pairs with count_offers(): whoever has counted his before we had the lock is seen; the others see us wait
            if (!others_first && fetched.request == nullptr && offered_.load(std::memory_order_seq_cst) == 0) {
                park(context, receipt, counter.waiting);
                return {};
            }
        }
        if (fetched.request == nullptr) fetched = fetch_offered(context, turn);
        if (fetched.was_offered) pass_on(context);
        if (fetched.request != nullptr) return give(context, *fetched.request, server);
    }
}

void FileDesk::pass_on(WorkerContext& context) {
    Counter& counter = counter_of(context.cpu());
    {
        Guard guard(context.locks(), counter.lock);
        count_offers(counter);
    }
    if (offered_.load(std::memory_order_seq_cst) != 0) call_someone(context);  // pairs with count_offers()
}

FileRequest* FileDesk::take(WorkerContext& context, ProcessId server, uint64_t id) {
    const uint64_t cpu = id & ((1u << kCpuBits) - 1);
    if (cpu >= cpus_) return nullptr;
    Counter& counter = counters_[cpu];
    Guard guard(context.locks(), counter.lock);
    FileRequest* request = counter.given.find(id);
    if (request == nullptr || request->server != server) return nullptr;
    counter.given.remove(*request);
    return request;
}

void FileDesk::server_gone(WorkerContext& context, ProcessId process) {
    for (uint32_t i = 0; i < cpus_; ++i) {
        Counter& counter = counters_[i];
        uint32_t again = 0;
        Request* waiting = nullptr;
        {
            Guard guard(context.locks(), counter.lock);
            for (FileRequest* request = counter.given.ceiling(uint64_t{0}); request != nullptr;) {
                FileRequest* next = counter.given.next(*request);
                if (request->server == process) {
                    counter.given.remove(*request);
                    counter.queue.push_front(*request);
                    ++again;
                }
                request = next;
            }
            if (again > 0) count_offers(counter);
            waiting = counter.waiting;  // who lives waits again
            counter.waiting = nullptr;
        }
        release_all(context, waiting);
        for (; again > 0; --again) call_someone(context);
    }
}

}  // namespace shoal::vm
