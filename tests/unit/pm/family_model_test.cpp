// Random families against a reference: every outcome, every answer and every freed slot is foretold by it.
#include <algorithm>
#include <list>
#include <random>

#include "tests/support/seed.hpp"
#include "tests/unit/pm/pm_fixture.hpp"

namespace shoal::pm::test {
namespace {

// What a parent and a child owe each other, written down once more with nothing but names.
class Reference {
  public:
    struct Waiter {
        Endpoint thread, process, wanted;
    };
    struct Process {
        Endpoint name, parent;
        bool ended = false;
        int64_t status = 0;
    };

    void add(Endpoint parent, Endpoint child) { family_.push_back({child, parent, false, 0}); }

    // The process whose end is told now, or the outcome.
    Waited wait(Endpoint thread, Endpoint process, Endpoint wanted, bool poll) {
        for (auto at = ended_.begin(); at != ended_.end(); ++at) {
            const Process& child = *find(*at);
            if (child.parent != process || !matches(wanted, child.name)) continue;
            const Waited told{Error::None, {child.name, child.status}};
            forget(child.name);
            return told;
        }
        if (!has_living(process, wanted)) return {Error::NoChild, {}};
        if (poll) return {Error::Again, {}};
        waiters_.remove_if([&](const Waiter& old) { return old.thread == thread; });
        waiters_.push_back({thread, process, wanted});
        return {Error::DoNotReply, {}};
    }

    void end(Endpoint name, int64_t status) {
        Process& process = *find(name);
        process.ended = true;
        process.status = status;
        waiters_.remove_if([&](const Waiter& waiter) { return waiter.process == name; });
        for (const Endpoint zombie : zombies_of(name)) forget(zombie);
        for (Process& child : family_)
            if (child.parent == name) child.parent = kRs;
        if (process.parent == kRs) {
            told_root.push_back({name, status});
            forget(name);
        } else {
            tell(process);
        }
    }

    [[nodiscard]] bool descends(Endpoint name, Endpoint ancestor) {
        for (const Process* at = find(name); at != nullptr; at = find(at->parent))
            if (at->parent == ancestor) return true;
        return false;
    }
    [[nodiscard]] std::vector<Endpoint> living() const {
        std::vector<Endpoint> names;
        for (const Process& process : family_)
            if (!process.ended) names.push_back(process.name);
        return names;
    }
    [[nodiscard]] size_t slots() const { return family_.size(); }

    std::vector<FakeSystem::Answer> answers;
    std::vector<FakeSystem::Done> told_root;

  private:
    static bool matches(Endpoint wanted, Endpoint name) { return wanted == kAny || wanted == name; }
    Process* find(Endpoint name) {
        const auto at = std::find_if(family_.begin(), family_.end(), [&](const Process& p) { return p.name == name; });
        return at == family_.end() ? nullptr : &*at;
    }
    bool has_living(Endpoint parent, Endpoint wanted) const {
        return std::any_of(family_.begin(), family_.end(), [&](const Process& child) {
            return !child.ended && child.parent == parent && matches(wanted, child.name);
        });
    }
    std::vector<Endpoint> zombies_of(Endpoint parent) {
        std::vector<Endpoint> names;
        for (const Endpoint name : ended_)
            if (find(name)->parent == parent) names.push_back(name);
        return names;
    }
    void forget(Endpoint name) {
        std::erase(ended_, name);
        family_.remove_if([&](const Process& process) { return process.name == name; });
    }
    void tell(const Process& child) {
        const Endpoint name = child.name, parent = child.parent;
        const auto waiter = std::find_if(waiters_.begin(), waiters_.end(), [&](const Waiter& w) {
            return w.process == parent && matches(w.wanted, name);
        });
        if (waiter == waiters_.end()) return ended_.push_back(name);
        answers.push_back({waiter->thread, Error::None, name, child.status});
        waiters_.erase(waiter);
        forget(name);
        for (auto at = waiters_.begin(); at != waiters_.end();) {
            const bool idle = at->process == parent && !has_living(parent, at->wanted);
            if (idle) answers.push_back({at->thread, Error::NoChild, {}, 0});
            at = idle ? waiters_.erase(at) : std::next(at);
        }
    }

    std::list<Process> family_;
    std::vector<Endpoint> ended_;  // oldest first
    std::list<Waiter> waiters_;    // oldest first
};

class FamilyModel : public Pm {
  protected:
    static constexpr int kSteps = 20'000;

    // With repetition where a process has several threads.
    std::vector<std::pair<Endpoint, Endpoint>> threads() {
        std::vector<std::pair<Endpoint, Endpoint>> found;  // thread, process
        for (const Endpoint process : reference_.living()) found.emplace_back(process, process);
        for (const auto& [thread, process] : further_)
            if (system.runs(process)) found.emplace_back(thread, process);
        return found;
    }
    uint64_t below(uint64_t limit) { return random_() % limit; }

    void spawn_somewhere() {
        const auto all = threads();
        const auto [thread, process] = all.empty() ? std::pair{kRs, kRs} : all[below(all.size())];
        const bool room = system.has_slots_for_process();
        SpawnRequest request = request_for("");
        request.image_bytes = 1;
        const Result<Endpoint> made = spawn(thread, request);
        ASSERT_EQ(made.ok(), room);
        if (made.ok()) reference_.add(process, made.value());
    }
    void wait_somewhere() {
        const auto all = threads();
        if (all.empty()) return;
        const auto [thread, process] = all[below(all.size())];
        const std::vector<Endpoint> names = reference_.living();
        const Endpoint wanted = below(2) == 0 ? kAny : names[below(names.size())];
        const bool poll = below(2) == 0;
        const Waited expected = reference_.wait(thread, process, wanted, poll), got = wait(thread, wanted, poll);
        ASSERT_EQ(got.outcome, expected.outcome);
        if (got.outcome != Error::None) return;
        ASSERT_EQ(got.child.endpoint, expected.child.endpoint);
        ASSERT_EQ(got.child.status, expected.child.status);
    }
    void kill_somebody() {
        const std::vector<Endpoint> names = reference_.living();
        if (names.empty()) return;
        const Endpoint killer = names[below(names.size())], victim = names[below(names.size())];
        const bool allowed = reference_.descends(victim, killer);
        ASSERT_EQ(kill(killer, victim), allowed ? Error::None : Error::Permission);
        if (!allowed) return;
        server.collect_stopped();
        reference_.end(victim, kKilledStatus);
    }
    void end_some() {
        for (uint64_t count = 1 + below(3); count > 0; --count) {
            const std::vector<Endpoint> names = reference_.living();
            if (names.empty()) break;
            const Endpoint name = names[below(names.size())];
            const auto status = static_cast<int64_t>(below(256));
            system.stop(name, status);
            reference_.end(name, status);
        }
        server.collect_stopped();
    }
    void add_thread() {
        const std::vector<Endpoint> names = reference_.living();
        if (names.empty() || !system.has_slots_for_process()) return;
        const Endpoint process = names[below(names.size())];
        further_.emplace_back(system.add_thread(process), process);
    }

    void expect_agreement() {
        ASSERT_EQ(system.answers.size(), reference_.answers.size());
        for (size_t i = 0; i < system.answers.size(); ++i) {
            ASSERT_EQ(system.answers[i].thread, reference_.answers[i].thread);
            ASSERT_EQ(system.answers[i].outcome, reference_.answers[i].outcome);
            if (system.answers[i].outcome != Error::None) continue;
            ASSERT_EQ(system.answers[i].child, reference_.answers[i].child);
            ASSERT_EQ(system.answers[i].status, reference_.answers[i].status);
        }
        ASSERT_EQ(system.told_root.size(), reference_.told_root.size());
        for (size_t i = 0; i < system.told_root.size(); ++i) {
            ASSERT_EQ(system.told_root[i].child, reference_.told_root[i].child);
            ASSERT_EQ(system.told_root[i].status, reference_.told_root[i].status);
        }
        ASSERT_EQ(system.processes(), reference_.slots() + 2) << "RS and PM besides";
        ASSERT_EQ(system.spaces(), reference_.living().size() + 2);
        ASSERT_TRUE(system.mistakes.empty()) << system.mistakes.front();
    }

    std::mt19937_64 random_{shoal::test::seed()};
    Reference reference_;
    std::vector<std::pair<Endpoint, Endpoint>> further_;  // threads beyond the first, with their processes
};

TEST_F(FamilyModel, RandomOperations) {
    for (int step = 0; step < kSteps; ++step) {
        switch (below(8)) {
            case 0: case 1: case 2: spawn_somewhere(); break;
            case 3: case 4: case 5: wait_somewhere(); break;
            case 6: below(2) == 0 ? kill_somebody() : add_thread(); break;
            default: end_some(); break;
        }
        if (HasFatalFailure()) return;
        expect_agreement();
        if (HasFatalFailure()) return;
        std::erase_if(further_, [&](const auto& thread) { return !system.runs(thread.second); });
        system.answers.clear(), reference_.answers.clear();
        system.told_root.clear(), reference_.told_root.clear();
    }
    while (!reference_.living().empty()) end_some();
    EXPECT_EQ(system.processes(), 2u);
    EXPECT_EQ(system.threads(), 2u);
}

}  // namespace
}  // namespace shoal::pm::test
