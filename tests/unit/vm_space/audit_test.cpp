// The audit sees what it is for: one thing of each kind is damaged, and it says which.
#include <gtest/gtest.h>

#include <functional>

#include "servers/vm/flush/flush_batch.hpp"
#include "servers/vm/leaf/leaf_pages.hpp"
#include "tests/support/vm/harness.hpp"
#include "tests/support/vm/slab_objects.hpp"

namespace shoal::vm::test {
namespace {

class Audit : public ::testing::Test {
  protected:
    void SetUp() override {
        for (unsigned i = 0; i < 3; ++i) ASSERT_EQ(vm.write(kCpu0, process, a + i * kPageSize, i), Error::None);
        const Message range{{0, process.raw(), s.raw(), kPageSize, other.raw()}};
        ASSERT_EQ(vm.call(kCpu0, process, VmCall::Share, range).outcome(), Error::None);
        ASSERT_EQ(vm.audit(), 0u);
    }
    // Between `harm` and `mend` the audit says so, and before and after nothing.
    void expect(const char* what, const std::function<void()>& harm, const std::function<void()>& mend) {
        (void)vm.machine.take_printed();
        harm();
        EXPECT_GT(vm.audit(), 0u);
        const std::string said = vm.machine.take_printed();
        EXPECT_NE(said.find(what), std::string::npos) << "wanted: " << what << "\nsaid: " << said;
        mend();
        ASSERT_EQ(vm.audit(), 0u) << what;
    }
    template <typename T, typename... Arguments>
    void expect_leak_seen(const char* what, Arguments&&... arguments) {
        T* lost = nullptr;
        expect(what, [&] { lost = take_object<T>(slabs(), arguments...).release(); }, [&] { free_object(slabs(), lost); });
    }
    SlabCaches& slabs() { return vm.arena().worker(0).slabs; }
    FrameCache& frames() { return vm.arena().worker(0).frames; }
    Space& space() { return *vm.processes().find(process); }
    Leaf& leaf() { return *space().leaves.find(a); }
    Segment& segment() { return *space().find_segment(a); }
    Region& region() { return *segment().first_in({a, a + kPageSize}); }
    FrameInfo& frame_at(VirtualAddress address) {
        return vm.arena().table()[space().leaves.find(address)->table().get(page_in_leaf(address)).frame()];
    }

    Harness vm{{.cpus = 2}};
    const ProcessId process = vm.create(kCpu0), other = vm.create(kCpu0);
    const VirtualAddress a = vm.mmap(kCpu0, process, 4 * kPageSize).release();
    const VirtualAddress s = vm.mmap(kCpu0, process, kPageSize).release();
};

TEST_F(Audit, SeesDamagedRegions) {
    const VirtualRange whole = region().range();
    expect("a segment's count is wrong", [&] { region().set_end(whole.end - kPageSize); },
           [&] { segment().first_in(whole)->set_end(whole.end); });
    Region& next = *segment().first_in({s, s + kPageSize});
    if (&next != &region())
        expect("regions overlap or leave their segment", [&] { region().set_end(next.end()); },
               [&] { segment().first_in(whole)->set_end(whole.end); });
    expect("resident pages outside any region", [&] { region().set_start(a + 2 * kPageSize); },
           [&] { segment().first_in(whole)->set_start(whole.start); });
}

TEST_F(Audit, SeesATableThatDisagreesWithItsTree) {
    PageTable& table = leaf().table();
    const unsigned page = page_in_leaf(a);
    const PageEntry good = table.get(page);
    const auto mend = [&] { table.set(page, good); };
    expect("a run's page is not in the table", [&] { table.set(page, PageEntry{}); }, mend);
    expect("entry and run disagree", [&] { table.set(page, PageEntry{good.frame(), Access::read()}); }, mend);
    expect("a run's frames are not those of the table", [&] { table.set(page, table.get(page + 1)); }, mend);
    expect("a frame has two owners", [&] { table.set(page, table.get(page + 1)); }, mend);
    expect("an entry names no frame of ours", [&] { table.set(page, PageEntry{FrameNumber{1}, Access::read_write()}); }, mend);
    expect("the table holds pages that no run has", [&] { table.set(300, good); }, [&] { table.set(300, PageEntry{}); });
}

TEST_F(Audit, SeesADamagedLeaf) {
    expect("a leaf's count is wrong", [&] { ++leaf().resident; }, [&] { --leaf().resident; });
    expect("a dead leaf can be found", [&] { leaf().dead = true; }, [&] { leaf().dead = false; });
    FrameInfo& table = vm.arena().table()[leaf().table_frame()];
    expect("a leaf's table has another owner", [&] { table.set_owner(nullptr); }, [&] { table.set_owner(&space()); });
    ASSERT_EQ(vm.read(CpuId{1}, process, a).release(), 0u);
    expect("a CPU has a table linked that no leaf has", [&] { leaf().cpus.remove(CpuId{1}); },
           [&] { leaf().cpus.add(CpuId{1}); });
}

TEST_F(Audit, SeesWrongOwnersAndCounts) {
    FrameInfo& page = frame_at(a);
    expect("an exclusive frame has another owner", [&] { page.set_owner(&space()); }, [&] { page.set_owner(&leaf()); });
    expect("an exclusive frame has another owner", [&] { page.share(); }, [&] { (void)page.release(); });
    FrameInfo& shared = frame_at(s);
    expect("a frame has other references than holders", [&] { shared.share(); }, [&] { (void)shared.release(); });
    expect("a shared frame has an owner", [&] { shared.set_owner(&leaf()); }, [&] { shared.set_owner(nullptr); });
    PageTable& table = leaf().table();
    expect("entries are leaving that nobody flushes",
           [&] {
               shared.share();
               table.set(300, PageEntry::leaving(vm.arena().table().number(shared), PageEntry::kNoPage));
           },
           [&] {
               table.set(300, PageEntry{});
               (void)shared.release();
           });
    LockContext& locks = vm.arena().worker(0).locks;
    expect("a segment pays for more regions than it has", [&] { ++space().common().paid_pages; }, [&] { --space().common().paid_pages; });
    expect("a quota's charge is not what is resident",
           [&] { ASSERT_TRUE(space().quota.charge(locks, slabs(), PageCount{1}).ok()); },
           [&] { space().quota.refund(locks, PageCount{1}); });
}

TEST_F(Audit, SeesFramesWithoutOwner) {
    FrameNumber frame{0};
    const auto free = [&] { frames().free(frame); };
    const auto free_claimed = [&] {
        (void)frames().info(frame).release();
        free();
    };
    const auto claim = [&](FrameKind kind) {
        return [&, kind] {
            frame = frames().allocate().release();
            memset(window_pointer(frame), 0, kPageSize);
            frames().info(frame).claim(kind, nullptr);
        };
    };
    expect("a frame has no owner", [&] { frame = frames().allocate().release(); }, free);
    expect("a frame has no owner", claim(FrameKind::Anonymous), free_claimed);
    expect("a frame has no owner", claim(FrameKind::PageTable), free_claimed);
    expect("a boot module was not given back", claim(FrameKind::Kept), free_claimed);
    expect("frames are lent that no area has", claim(FrameKind::Lent), free_claimed);
    expect("slabs exist that no cache counts", claim(FrameKind::Slab), free_claimed);
    uint32_t reservation = FrameTree::kNobody;
    expect("a frame has no owner", [&] { ASSERT_EQ(vm.arena().pool().take_some(kCpu0, &reservation, &frame, 1), 1u); },
           [&] {
               vm.arena().pool().give(&frame, 1);
               vm.arena().pool().unreserve(kCpu0, &reservation);
           });
    expect("frames in use are not those handed out", [&] { frames().adopt(1); }, [&] { frames().adopt(uint64_t(-1)); });
    const PageCount memory = vm.processes().memory();
    expect("not all of memory is there", [&] { vm.processes().set_memory(PageCount{memory.raw() + 1}); },
           [&] { vm.processes().set_memory(memory); });
}

TEST_F(Audit, SeesEveryKindOfObjectThatIsLost) {
    const FrameNumber frame{1};
    expect_leak_seen<Region>("regions alive that no segment has");
    expect_leak_seen<RunTree>("trees of runs alive that no leaf has", PageSpan{0, 1});
    expect_leak_seen<shoal::vm::Run>("runs alive that no tree has", PageSpan{0, 1}, PageState{}, uint64_t{0});
    expect_leak_seen<Leaf>("leaves alive that no space has", 0u, VirtualAddress{0}, frame);
    expect_leak_seen<LeafNode>("nodes of leaf maps alive that no space has");
    expect_leak_seen<Segment>("segments alive that no space has", VirtualRange{});
    expect_leak_seen<SegmentDirectory>("directories of segments alive that no space has");
    expect_leak_seen<Space>("spaces alive that no slot has", process, 1u, 2u, PageCount{1});
    expect_leak_seen<Request>("requests alive that wait nowhere", RequestKind::Again, Receipt{}, kCpu0);
    expect_leak_seen<FlushBatch>("batches alive that are not under way", process, kCpu0);
    expect_leak_seen<Watch>("watches alive that no space has", process, other);
    expect_leak_seen<QuotaLease>("leases alive that no quota has");
    expect_leak_seen<QuotaDirectory>("directories of leases alive that no quota has");
}

TEST_F(Audit, SeesDamagedWatches) {
    ASSERT_EQ(vm.call(kCpu0, process, VmCall::WatchExit, {{0, other.raw()}}).outcome(), Error::None);
    Watches& own = space().watches;
    Watches& others = vm.processes().find(other)->watches;
    Watch& watch = *own.quiet.front();
    expect("a watch is not where it belongs", [&] { watch.notice = ExitNotice::Ended; }, [&] { watch.notice = ExitNotice::None; });
    expect("a watch is not where it belongs", [&] { others.watchers.remove(watch); }, [&] { others.watchers.insert(watch); });
    expect("processes are watched by others than watch them", [&] { own.quiet.remove(watch); }, [&] { own.quiet.push_back(watch); });
    expect("a watch is not where it belongs", [&] { own.quiet.remove(watch), own.notices.push_back(watch); },
           [&] { own.notices.remove(watch), own.quiet.push_back(watch); });
}

TEST_F(Audit, SeesASlabThatDisagreesWithItsCaches) {
    Slab& slab = Slab::of(&region());
    ASSERT_GT(slab.free_objects(), 1u);
    void* taken = nullptr;
    expect("objects are taken that are neither alive nor cached", [&] { taken = slab.take(); }, [&] { slab.put(taken); });
}

}  // namespace
}  // namespace shoal::vm::test
