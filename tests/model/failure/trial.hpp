// Trial: a scenario's call with its n-th piece of memory refused, n = 1, 2, ... until there is no n-th.
#pragma once

#include <set>
#include <string>

#include "tests/model/failure/bare_caches.hpp"
#include "tests/model/failure/nth_refusal.hpp"
#include "tests/model/failure/scenario.hpp"
#include "tests/model/failure/snapshot.hpp"

namespace shoal::model {

// What there is too little of.
enum class Scarce : uint8_t {
    MemoryHere,        // on the caller's CPU
    MemoryEverywhere,  // on all, but where files are served: the server is to do its work
    Quota,             // n pages are left
};

// Of a machine in which the call is tried.
struct Circumstances {
    const char* name;
    After after;
    Stocks stocks;
    Scarce scarce;
    uint64_t bytes;  // with little memory a call that finds none waits until all workers have given up what they cache
};

class Trial {
  public:
    Trial(const Scenario& scenario, const Circumstances& circumstances) : scenario_(scenario), circumstances_(circumstances) {}
    // What went wrong, or nothing.
    std::string run();
    [[nodiscard]] uint64_t places() const { return n_ - 1; }
    [[nodiscard]] uint64_t failures() const { return failures_; }

  private:
    std::string try_nth();
    Error attempt(World& world);
    std::string check_failure(World& world, Error error, const Snapshot& before);
    std::string check_success(World& world);
    enum class When : uint8_t { AfterFailure, AfterSuccess };
    [[nodiscard]] std::set<uint32_t> left_out(const World& world, When when) const;
    [[nodiscard]] Overlooked overlooked(const World& world) const;
    [[nodiscard]] bool may_fail() const;
    std::string say(const std::string& what, Error error) const;

    const Scenario& scenario_;
    const Circumstances& circumstances_;
    std::optional<Snapshot> after_success_;
    uint64_t n_ = 0, failures_ = 0;
    bool reached_ = true;
};

}  // namespace shoal::model
