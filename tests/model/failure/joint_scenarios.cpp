// safemap, safeunmap, saferevmap, and copies by grants, as the kernel asks for them.
#include "tests/model/failure/scenario.hpp"

namespace shoal::model {

namespace joint_requests {
namespace {

using Wish = vm::test::Harness::MapWish;

// Across a border of leaves on both sides, in different places: so there are several parts.
constexpr uint64_t kPages = 20, kBytes = kPages * kPageSize;
constexpr VirtualAddress kTo = World::kPlace + kLeafSize - 8 * kPageSize, kFrom = World::kPlace + 3 * kLeafSize - 5 * kPageSize;
constexpr uint32_t kGrant = 7;

// Of the other process, by its grant.
Error map(World& w, MapMode mode, CpuId cpu = kCpu0) {
    Wish wish{w.other, kFrom, kTo, kBytes, mode, {}};
    wish.path.grants[0] = {w.other, kGrant};
    wish.path.length = 1;
    return w.vm.map_memory(cpu, w.caller, wish);
}
Error map_over_filled(World& w, MapMode mode) {
    w.forget(kTo, kPages);
    return map(w, mode);
}
Error unmap(World& w) { return w.vm.unmap_memory(kCpu0, w.caller, kTo); }

void map_of_other(World& w, uint64_t protection = World::kReadWrite) {
    (void)w.vm.mmap(kCpu0, w.other, kBytes, protection, World::kPrivate | kMapFixed, kFrom);
}
void pages_of_other(World& w) {
    map_of_other(w);
    w.fill(w.other, kFrom, kPages);
}
void pages_of_both(World& w) {
    (void)w.map_filled(kPages, World::kPrivate, kTo);
    pages_of_other(w);
}
void untouched_on_both_sides(World& w) {
    (void)w.map(kPages, World::kPrivate, kTo);
    map_of_other(w);
}
void filled_and_untouched(World& w) {
    (void)w.map(kPages, World::kPrivate, kTo);
    pages_of_other(w);
}
// Somebody else has copies on write of both.
void copied_pages(World& w) {
    pages_of_both(w);
    for (const ProcessId process : {w.caller, w.other}) (void)w.call(VmCall::Fork, {{0, process.raw(), w.vm.create(kCpu1).raw()}});
}
// A third process has the other's.
void lend_to_third(World& w) {
    const ProcessId third = w.vm.create(kCpu1);
    (void)w.vm.mmap(kCpu1, third, kBytes, World::kReadWrite, World::kPrivate | kMapFixed, kTo);
    Wish wish{w.other, kFrom, kTo, kBytes, MapMode::SharedWritable, {}};
    wish.path.grants[0] = {w.other, kGrant};
    wish.path.length = 1;
    (void)w.vm.map_memory(kCpu1, third, wish);
}
void joint_pages(World& w) {
    pages_of_both(w);
    lend_to_third(w);
}
void mapped_as(World& w, MapMode mode) {
    pages_of_other(w);
    (void)w.map(kPages, World::kPrivate, kTo);
    (void)map(w, mode, kCpu1);
}
void mapped_by_two(World& w) {
    mapped_as(w, MapMode::SharedReadOnly);
    lend_to_third(w);
}

// Pages that the caller has mapped, as its mapping says; ~0: there is no mapping.
uint64_t pages_mapped(World& w) {
    uint64_t pages = ~uint64_t{0};
    const std::lock_guard turn(w.vm.machine.turn(kCpu0));
    vm::WorkerContext worker = w.vm.context(kCpu0);
    (void)w.vm.processes().joint_mappings().for_each_of(worker.locks(), w.caller, [&](const vm::JointMapping& mapping, const vm::Request*) {
        pages = mapping.range().size() / kPageSize;
    });
    return pages;
}
uint64_t word(World& w, ProcessId process, VirtualAddress start, uint64_t page) { return w.vm.read(kCpu0, process, start + page * kPageSize).release(); }

// Half-way, what has been mapped is what the mapping says, and unmap gives it back.
std::string take_back(World& w, MapMode mode, const std::function<void(World&, uint64_t)>& renew) {
    const uint64_t mapped = pages_mapped(w);
    if (mapped == ~uint64_t{0}) return {};
    if (mapped == 0 || mapped >= kPages) return "a mapping of " + std::to_string(mapped) + " pages after a failure";
    for (uint64_t page = 0; page < kPages; ++page) {
        const uint64_t old = word(w, w.other, kFrom, page);
        (void)w.vm.write(kCpu0, w.other, kFrom + page * kPageSize, 77);
        const bool seen = word(w, w.caller, kTo, page) == 77;
        (void)w.vm.write(kCpu0, w.other, kFrom + page * kPageSize, old);
        if (seen != (page < mapped && mode != MapMode::CopyOnWrite)) return "page " + std::to_string(page) + " is not as its mapping says";
    }
    if (unmap(w) != Error::None || pages_mapped(w) != ~uint64_t{0}) return "it cannot be taken back";
    renew(w, mapped);
    return {};
}
void fill_again(World& w, uint64_t pages) { w.fill(w.caller, kTo, pages); }
void discard(World& w, uint64_t) { (void)w.vm.discard(kCpu0, w.caller, kTo, kBytes); }

// Whoever has mapped the other's pages sees nothing of what it writes any more.
Error unless_seen(World& w, Error error) {
    if (error != Error::None) return error;
    const uint64_t old = word(w, w.other, kFrom, 3);
    (void)w.vm.write(kCpu0, w.other, kFrom + 3 * kPageSize, 77);
    const bool seen = word(w, w.caller, kTo, 3) == 77;
    (void)w.vm.write(kCpu0, w.other, kFrom + 3 * kPageSize, old);
    return seen ? Error::Exists : Error::None;
}
Error unmap_all(World& w) { return unless_seen(w, unmap(w)); }
Error revoke(World& w) { return unless_seen(w, w.vm.revoke(kCpu0, w.other, kGrant)); }
// A copy from or to the other's memory, which it has granted: as much as one answer is about.
Error ask(World& w, uint64_t flags) { return w.vm.request_memory(kCpu0, w.caller, w.other, kFrom, kBytes, flags); }

Scenario map_of(const char* name, void (*set_up)(World&), MapMode mode) {
    return {name, {}, set_up, [mode](World& w) { return map(w, mode); }, Leaves::PagesPresent, Fails::WithNoMemory, 2,
            [mode](World& w) { return take_back(w, mode, discard); }};
}
Scenario map_over(const char* name, void (*set_up)(World&), MapMode mode) {
    return {name, {}, set_up, [mode](World& w) { return map_over_filled(w, mode); }, Leaves::AllAsItWas, Fails::WithNoMemory, 2,
            [mode](World& w) { return take_back(w, mode, fill_again); }};
}

}  // namespace
}  // namespace joint_requests

Scenarios joint_scenarios() {
    using namespace joint_requests;
    constexpr MapMode kWritable = MapMode::SharedWritable, kReadOnly = MapMode::SharedReadOnly, kCopied = MapMode::CopyOnWrite;
    return {
        map_of("safemap of untouched memory", untouched_on_both_sides, kWritable),
        map_of("safemap in untouched memory", filled_and_untouched, kWritable),
        map_of("safemap in untouched memory, copied on write", filled_and_untouched, kCopied),
        map_over("safemap", pages_of_both, kReadOnly),
        map_over("safemap, copied on write", pages_of_both, kCopied),
        map_over("safemap of copied pages", copied_pages, kWritable),
        map_over("safemap of copied pages, copied on write", copied_pages, kCopied),
        map_over("safemap of joint pages", joint_pages, kWritable),
        map_over("safemap of joint pages, copied", joint_pages, kCopied),
        {"safeunmap", {}, [](World& w) { mapped_as(w, kWritable); }, unmap_all},
        {"safeunmap of what is only read", {}, [](World& w) { mapped_as(w, kReadOnly); }, unmap_all},
        {"safeunmap of what was copied", {}, [](World& w) { mapped_as(w, kCopied); }, unmap_all},
        {"saferevmap", {}, mapped_by_two, revoke, Leaves::FewerLoans},
        {"saferevmap of nothing", {}, pages_of_both, revoke},
        {"a copy from untouched memory", {}, [](World& w) { map_of_other(w, kProtectRead); }, [](World& w) { return ask(w, kFaultUser); },
         Leaves::PagesPresent},
        {"a copy to untouched memory", {}, [](World& w) { map_of_other(w); }, [](World& w) { return ask(w, kFaultUser | kFaultWrite); },
         Leaves::PagesPresent},
        {"a copy to copied pages", {}, copied_pages, [](World& w) { return ask(w, kFaultUser | kFaultWrite); }},
        {"a copy to lent pages", {}, joint_pages, [](World& w) { return ask(w, kFaultUser | kFaultWrite); }, Leaves::AllAsItWas, Fails::Never},
    };
}

}  // namespace shoal::model
