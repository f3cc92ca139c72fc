#include "tests/model/failure/trial.hpp"

#include "tests/model/failure/scarce_quota.hpp"

namespace shoal::model {

std::string Trial::run() {
    constexpr uint64_t kMost = 5'000;  // places that a call may have
    const bool quota = circumstances_.scarce == Scarce::Quota;
    for (n_ = 0; reached_; n_ += quota ? 1 + n_ / 4 : 1) {
        if (n_ > kMost) return "there is no end of places";
        if (std::string what = try_nth(); !what.empty()) return scenario_.name + ", " + circumstances_.name + ", place " + std::to_string(n_) + ": " + what;
    }
    return {};
}

std::string Trial::say(const std::string& what, Error error) const { return what + " (" + std::string(error_text(error)) + ")"; }

// Place 0: nothing is refused.
std::string Trial::try_nth() {
    World world(circumstances_.bytes, scenario_.cpus);
    scenario_.set_up(world);
    if (world.vm.audit() != 0) return "the audit finds faults before the call";
    const Snapshot before(world.vm, left_out(world, When::AfterFailure));
    const Error error = attempt(world);
    std::string what = error == Error::None ? check_success(world) : check_failure(world, error, before);
    if (!what.empty()) return what;
    if (world.vm.audit() != 0) return say("the audit finds faults", error);
    world.end();
    if (world.vm.audit() != 0) return say("the audit finds faults at the end", error);
    what = world.at_first.difference(Holdings(world.vm));
    return what.empty() ? what : say("not all came back: " + what, error);
}

Error Trial::attempt(World& world) {
    if (n_ > 0 && circumstances_.scarce == Scarce::Quota && scenario_.fails != Fails::Never) {
        const ScarceQuota quota(world.vm, n_ - 1, world.files == nullptr ? ProcessId{} : world.files->process());
        const Error error = scenario_.attempt(world);
        reached_ = error != Error::None;
        return error;
    }
    const bool here = circumstances_.scarce == Scarce::MemoryHere || world.files != nullptr;
    const BareCaches bare(world.vm, kCpu0, circumstances_.stocks);
    const NthRefusal refusal(world.vm.machine, here ? std::optional{kCpu0} : std::nullopt, n_ == 0 ? ~uint64_t{0} : n_, circumstances_.after);
    const Error error = scenario_.attempt(world);
    reached_ = n_ == 0 || refusal.reached();
    return error;
}

std::string Trial::check_failure(World& world, Error error, const Snapshot& before) {
    ++failures_;
    if (error != Error::NoMemory || !may_fail()) return say("a wrong error", error);
    if (world.vm.audit() != 0) return say("the audit finds faults after the failure", error);
    if (scenario_.take_back) {
        if (std::string what = scenario_.take_back(world); !what.empty()) return say(what, error);
    }
    const Snapshot after(world.vm, left_out(world, When::AfterFailure));
    if (std::string what = before.difference(after, overlooked(world)); !what.empty()) return say("something has changed: " + what, error);
    world.remember_again();
    if (!world.remembers()) return say("what was written is not there", error);
    if (scenario_.leaves == Leaves::OtherForExit) world.renew_other();
    if (const Error again = scenario_.attempt(world); again != Error::None) return say("it fails for ever", again);
    return check_success(world);
}

bool Trial::may_fail() const {
    if (n_ == 0 || scenario_.fails == Fails::Never) return false;
    return scenario_.fails == Fails::WithNoMemory || circumstances_.stocks == Stocks::Taken;
}

std::set<uint32_t> Trial::left_out(const World& world, When when) const {
    std::set<uint32_t> slots;
    if (scenario_.leaves == Leaves::OtherForExit && when == When::AfterFailure) slots.insert(world.other.slot());
    if (scenario_.leaves == Leaves::OtherAlone) slots.insert(world.other.slot());
    if (world.files != nullptr) slots.insert(world.files->process().slot());
    return slots;
}

// A file server's threads come and go, and it fills the cache.
Overlooked Trial::overlooked(const World& world) const {
    const Leaves leaves = scenario_.leaves;
    const bool fewer_loans = leaves == Leaves::FewerLoans;
    return {.charges = leaves == Leaves::PagesPresent || leaves == Leaves::OtherForExit || fewer_loans,
            .objects = leaves == Leaves::OtherForExit || leaves == Leaves::CachedPages || fewer_loans || world.files != nullptr};
}

std::string Trial::check_success(World& world) {
    const Snapshot now(world.vm, left_out(world, When::AfterSuccess));
    if (!after_success_) after_success_.emplace(now);
    const std::string what = after_success_->difference_in_shape(now, {.charges = scenario_.leaves == Leaves::PagesPresent, .objects = world.files != nullptr});
    if (!what.empty()) return "a success unlike the others: " + what;
    return world.remembers() ? "" : "a success has changed what was written";
}

}  // namespace shoal::model
