#include "tests/model/concurrent/concurrent_run.hpp"

#include <thread>

#include "tests/model/concurrent/disturber.hpp"
#include "tests/model/concurrent/worker.hpp"
#include "tests/model/isolation/child.hpp"
#include "tests/model/isolation/shared.hpp"
#include "tests/model/seed.hpp"

namespace shoal::model {

namespace {

constexpr unsigned kPatience = 120;  // seconds for a run, under ThreadSanitizer too; SHOAL_CONCURRENT_SECONDS: others
constexpr unsigned kMostWorkers = 64;

struct Begun {
    alignas(kCacheLine) uint64_t operations;  // of one worker
};

std::string check_logs(const std::vector<SharedLog>& logs) {
    for (const auto& [key, events] : by_page(logs)) {
        const Verdict verdict = check_page(events);
        if (!verdict.explained) return "shared page: " + verdict.why;
    }
    return {};
}

// Until all have done their work. The threads live a little longer.
void disturb(const ConcurrentPlan& plan, std::vector<std::thread>& threads, const std::atomic<unsigned>& at_work) {
    std::vector<pthread_t> handles;
    for (std::thread& thread : threads) handles.push_back(thread.native_handle());
    Disturber disturber(plan.seed, handles);
    while (at_work.load(std::memory_order_relaxed) > 0) std::this_thread::sleep_for(std::chrono::milliseconds{1});
}

void lay_ground(const std::vector<std::unique_ptr<Worker>>& workers) {
    for (unsigned space = 0; space < workers.front()->steady_spaces(); ++space) {
        const Operation map = workers.front()->ground(space);
        workers.front()->map_ground(map);
        for (const auto& worker : workers) worker->expect_ground(map);
    }
}

std::string run_workers(System& system, const ConcurrentPlan& plan, Shared<Begun>& begun) {
    EventClock clock;
    FirstFailure failure;
    std::vector<std::unique_ptr<Worker>> workers;
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < system.workers(); ++i)
        workers.push_back(std::make_unique<Worker>(system, plan, i, clock, failure, begun[i].operations));
    lay_ground(workers);
    std::atomic<unsigned> at_work{system.workers()};
    std::atomic<bool> disturbed{true};
    for (auto& worker : workers) threads.emplace_back([&] {
        worker->run();
        at_work.fetch_sub(1, std::memory_order_relaxed);
        while (disturbed.load(std::memory_order_relaxed)) std::this_thread::yield();
    });
    disturb(plan, threads, at_work);
    disturbed.store(false, std::memory_order_relaxed);
    for (std::thread& thread : threads) thread.join();
    if (failure.seen()) return failure.what();
    std::vector<SharedLog> logs;
    std::vector<PlacementLog> placements;
    for (const auto& worker : workers) {
        logs.push_back(worker->log());
        placements.push_back(worker->placements());
    }
    if (std::string what = check_logs(logs); !what.empty()) return what;
    return check_placements(placements);
}

}  // namespace

std::string run_concurrently(const MakeSystem& make, const ConcurrentPlan& plan) {
    Shared<Begun> begun(kMostWorkers);
    const std::string what = run_in_child([&]() -> std::string {
        expect_progress_within(static_cast<unsigned>(number_from_environment("SHOAL_CONCURRENT_SECONDS", kPatience)));
        const std::unique_ptr<System> system = make();
        if (std::string found = run_workers(*system, plan, begun); !found.empty()) return found;
        const uint64_t faults = system->audit();
        return faults == 0 ? std::string{} : "the audit found " + std::to_string(faults) + " faults";
    });
    if (what.empty()) return {};
    uint64_t operations = 0;
    for (unsigned i = 0; i < kMostWorkers; ++i) operations += begun[i].operations;
    return what + "\nafter " + std::to_string(operations) + " operations";
}

}  // namespace shoal::model
