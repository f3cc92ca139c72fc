// map_memory at random, against a small reference: for each page of each process a cell, which several have if they share it.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <set>

#include "tests/support/seed.hpp"
#include "tests/support/vm/harness.hpp"

namespace shoal::vm::test {
namespace {

class MapMemoryRandom : public ::testing::Test {
  protected:
    static constexpr unsigned kProcesses = 4, kPages = 40, kGrants = 3;
    static constexpr uint64_t kBoth = kProtectRead | kProtectWrite, kFlags = kMapPrivate | kMapAnonymous | kMapFixed;

    enum class Right : uint8_t {
        Write,
        Read,     // of what it has from another, as long as that one has it, too
        Unknown,  // it was alone with it, and VM may have found that or not
    };
    struct Page {
        std::shared_ptr<uint64_t> cell;
        Right right = Right::Write;
        [[nodiscard]] bool shared() const { return cell.use_count() > 1; }
        [[nodiscard]] bool denied() const { return right == Right::Read && shared(); }
        void become_own() {
            if (shared()) cell = std::make_shared<uint64_t>(*cell);
            right = Right::Write;
        }
        // What a copy on write of it may have found.
        void be_copied() {
            if (right == Right::Read && !shared()) right = Right::Unknown;
        }
    };
    struct Mapping {
        unsigned to, first, pages;
        std::set<uint64_t> grants;
    };
    struct Process {
        ProcessId id;
        VirtualAddress at;
        Page pages[kPages];
        [[nodiscard]] VirtualAddress address(unsigned page) const { return at + page * kPageSize; }
    };
    struct Snapshot {
        unsigned of;
        ProcessId child;
        uint64_t values[kPages];
    };

    // Each has a leaf's border elsewhere among its pages, and several CPUs.
    MapMemoryRandom() {
        for (unsigned i = 0; i < kProcesses; ++i) {
            Process& p = processes[i];
            p.id = vm.create(CpuId::from(i % 3));
            p.at = VirtualAddress{0x4000'0000 + (i + 1) * 2 * kLeafSize - (3 + 9 * i) * kPageSize};
            renew(i, 0, kPages);
        }
    }
    unsigned below(uint64_t bound) { return static_cast<unsigned>(random() % bound); }
    CpuId cpu() { return CpuId::from(below(3)); }

    void renew(unsigned process, unsigned first, unsigned pages) {
        Process& p = processes[process];
        ASSERT_EQ(vm.mmap(cpu(), p.id, pages * kPageSize, kBoth, kFlags, p.address(first)).release(), p.address(first));
        for (unsigned page = first; page < first + pages; ++page) p.pages[page] = {std::make_shared<uint64_t>(0)};
    }
    void write(unsigned process, unsigned index) {
        Process& p = processes[process];
        Page& page = p.pages[index];
        if (page.right == Right::Unknown && page.shared()) return;
        const Error expected = page.denied() ? Error::AccessDenied : Error::None;
        ASSERT_EQ(vm.write(cpu(), p.id, p.address(index), ++value), expected);
        if (expected != Error::None) return;
        *page.cell = value;
        page.right = Right::Write;
    }
    void check(unsigned process) {
        const Process& p = processes[process];
        const CpuId on = cpu();
        for (unsigned page = 0; page < kPages; ++page) ASSERT_EQ(vm.read(on, p.id, p.address(page)).release(), *p.pages[page].cell) << page;
    }

    [[nodiscard]] bool mapped(unsigned to, unsigned first, unsigned pages) const {
        return std::any_of(mappings.begin(), mappings.end(),
                           [&](const Mapping& m) { return m.to == to && m.first < first + pages && first < m.first + m.pages; });
    }
    // The one, and those that the source has such pages by.
    [[nodiscard]] std::set<uint64_t> grants_with(GrantName grant, unsigned from, unsigned first, unsigned pages) const {
        std::set<uint64_t> grants{grant.raw()};
        for (const Mapping& m : mappings)
            if (m.to == from && m.first < first + pages && first < m.first + m.pages) grants.insert(m.grants.begin(), m.grants.end());
        return grants;
    }
    // Touching them for the mode.
    Error prepare(Process& source, unsigned first, unsigned pages, MapMode mode) {
        for (unsigned page = first; page < first + pages && mode == MapMode::SharedWritable; ++page) {
            if (source.pages[page].denied()) return Error::AccessDenied;
            source.pages[page].right = Right::Write;
        }
        return Error::None;
    }
    void map() {
        const unsigned from = below(kProcesses), to = below(kProcesses), pages = 1 + below(kPages / 2);
        const unsigned first = below(kPages - pages + 1), into = below(kPages - pages + 1);
        const auto mode = static_cast<MapMode>(below(3));
        Process &source = processes[from], &destination = processes[to];
        if (from == to) return;
        for (unsigned i = 0; i < pages; ++i)
            if (source.pages[first + i].right == Right::Unknown) return;
        const GrantName grant{source.id, 1 + below(kGrants)};
        const std::set<uint64_t> grants = grants_with(grant, from, first, pages);
        Error expected = grants.size() > kMostGrantsInPath ? Error::Loop : Error::None;
        if (mapped(to, into, pages)) expected = Error::Exists;
        if (expected == Error::None) expected = prepare(source, first, pages, mode);
        Harness::MapWish wish{source.id, source.address(first), destination.address(into), pages * kPageSize, mode, {}};
        wish.path = {{grant}, 1};
        ASSERT_EQ(vm.map_memory(cpu(), destination.id, wish), expected);
        if (expected != Error::None) return;
        mappings.push_back({to, into, pages, grants});
        for (unsigned i = 0; i < pages; ++i) {
            Page& page = source.pages[first + i];
            if (mode == MapMode::CopyOnWrite) page.be_copied();
            Page& place = destination.pages[into + i];
            if (mode == MapMode::CopyOnWrite) place = {std::make_shared<uint64_t>(*page.cell)};
            else place = {page.cell, mode == MapMode::SharedReadOnly ? Right::Read : Right::Write};
        }
    }
    void part(const Mapping& mapping) {
        for (unsigned page = mapping.first; page < mapping.first + mapping.pages; ++page) processes[mapping.to].pages[page].become_own();
    }
    void unmap() {
        if (mappings.empty()) return;
        const auto which = mappings.begin() + below(mappings.size());
        const Process& p = processes[which->to];
        ASSERT_EQ(vm.unmap_memory(cpu(), p.id, p.address(which->first)), Error::None);
        part(*which);
        mappings.erase(which);
    }
    void revoke() {
        const GrantName grant{processes[below(kProcesses)].id, 1 + below(kGrants)};
        ASSERT_EQ(vm.revoke(cpu(), grant.granter, grant.number), Error::None);
        for (auto at = mappings.begin(); at != mappings.end();) {
            const bool meant = at->grants.contains(grant.raw());
            if (meant) part(*at);
            at = meant ? mappings.erase(at) : at + 1;
        }
    }
    void fork() {
        Snapshot made{below(kProcesses), vm.create(cpu()), {}};
        Process& p = processes[made.of];
        ASSERT_EQ(vm.call(cpu(), p.id, VmCall::Fork, {{0, p.id.raw(), made.child.raw()}}).outcome(), Error::None);
        for (unsigned page = 0; page < kPages; ++page) made.values[page] = *p.pages[page].cell, p.pages[page].be_copied();
        snapshots.push_back(made);
    }
    void end_snapshot() {
        if (snapshots.empty()) return;
        const Snapshot seen = snapshots.front();
        snapshots.erase(snapshots.begin());
        const CpuId on = cpu();
        for (unsigned page = 0; page < kPages; ++page) {
            const VirtualAddress address = processes[seen.of].address(page);
            ASSERT_EQ(vm.read(on, seen.child, address).release(), seen.values[page]) << page;
            ASSERT_EQ(vm.write(on, seen.child, address, ~uint64_t{0}), Error::None);
        }
        ASSERT_EQ(vm.exit(on, seen.child), Error::None);
    }
    void act() {
        const unsigned process = below(kProcesses), first = below(kPages), what = below(100);
        if (what < 45) write(process, first);
        else if (what < 70) map();
        else if (what < 80) unmap();
        else if (what < 84) revoke();
        else if (what < 88 && snapshots.size() < 4) fork();
        else if (what < 92) end_snapshot();
        else if (what < 95) renew(process, first, 1 + below(kPages - first));
        else check(process);
    }

    Harness vm{{.cpus = 3}};
    const uint64_t seed = shoal::test::seed();
    std::mt19937_64 random{seed};
    Process processes[kProcesses];
    std::vector<Mapping> mappings;
    std::vector<Snapshot> snapshots;
    uint64_t value = 0;
};

TEST_F(MapMemoryRandom, AgreesWithTheReference) {
    SCOPED_TRACE(seed);
    for (unsigned round = 0; round < 60; ++round) {
        for (unsigned i = 0; i < 100; ++i) {
            ASSERT_NO_FATAL_FAILURE(act()) << "in round " << round;
        }
        for (unsigned i = 0; i < kProcesses; ++i) ASSERT_NO_FATAL_FAILURE(check(i)) << "round " << round;
        ASSERT_EQ(vm.audit(), 0u) << "round " << round;
    }
    while (!snapshots.empty()) ASSERT_NO_FATAL_FAILURE(end_snapshot());
    for (const Process& p : processes) ASSERT_EQ(vm.exit(cpu(), p.id), Error::None);
    EXPECT_EQ(vm.audit(), 0u);
}

}  // namespace
}  // namespace shoal::vm::test
