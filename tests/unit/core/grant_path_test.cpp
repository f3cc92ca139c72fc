// Grants that are passed on, grants of others' memory, and what the kernel asks VM for to map by them.
#include <cstring>

#include "abi/grant.hpp"
#include "abi/privileges.hpp"
#include "tests/unit/core/paged_test.hpp"

namespace shoal::test {
namespace {

constexpr uint32_t kOfOwn = Grant::kUsed | Grant::kDirect | Grant::kValid, kPassedOn = Grant::kUsed | Grant::kIndirect | Grant::kValid,
                   kOfOthers = Grant::kUsed | Grant::kMagic | Grant::kValid, kAllRights = Grant::kRead | Grant::kWrite | Grant::kMap;

// The owner's page 1 says what is granted; page 0 of each granter is its table. The caller's page 3 is its own.
class GrantPaths : public PagedTest {
  protected:
    static constexpr uint64_t kText = 16;

    GrantPaths() {
        std::memcpy(page(owner, 1), "0123456789abcdef", kText);
        own = page(program, 3);
        link(program);
        tables[owner] = table_at(owner);
        tables[middle] = table_at(middle);
        tables[owner][0] = {kOfOwn | kAllRights, 0, middle, {}, at(1).raw(), kText};
        tables[middle][0] = {kPassedOn | kAllRights, 0, program, owner, 4, 8, 0};
    }
    Grant* table_at(Endpoint who) {
        auto* table = reinterpret_cast<Grant*>(page(who, 0));
        link(who);
        EXPECT_EQ(call(who, KernelCall::GrantTable, {at(0).raw(), 8}), Error::None);
        return table;
    }
    Error from(uint64_t number = 0, uint64_t offset = 0, uint64_t bytes = 8, Endpoint by = kNone) {
        return call(program, KernelCall::SafeCopyFrom, {(by == kNone ? middle : by).raw(), number, offset, at(3).raw(), bytes});
    }
    Error into(uint64_t number = 0, uint64_t offset = 0, uint64_t bytes = 8) {
        return call(program, KernelCall::SafeCopyTo, {middle.raw(), number, offset, at(3).raw(), bytes});
    }
    Error safemap(MapMode mode = MapMode::SharedWritable, uint64_t number = 0, uint64_t offset = 0, uint64_t bytes = 8) {
        return ask(KernelCall::Safemap, {middle.raw(), number, offset, at(8).raw(), bytes, static_cast<uint64_t>(mode)});
    }
    // A call, and what VM has been asked for.
    Error ask(KernelCall what, std::initializer_list<uint64_t> words) {
        const Error error = call(program, what, words);
        if (error == Error::DoNotReply) hear();
        return error;
    }
    void hear() {
        request = received(worker[0]);
        EXPECT_EQ(request.source(), program);
        EXPECT_EQ(request.words[7], process(program).id().raw());
    }
    Error path() { return call(worker[0], KernelCall::GrantPath, {program.raw(), request.words[3]}); }
    Error answer(Error outcome) {
        EXPECT_EQ(resume(worker[0], program, request.words[3], outcome), Error::DoNotReply);
        for (int turns = 0; turns < 4; ++turns) machine.advance(20'000'000);
        return FakeMachine::waits(program) ? Error::DoNotReply : FakeMachine::outcome(program);
    }
    GrantName name(Endpoint granter, uint32_t number) { return {process(granter).id(), number}; }

    Endpoint owner = other, middle = machine.spawn(CpuId{0});
    std::map<Endpoint, Grant*> tables;
    char* own;
    Message request;
};

TEST_F(GrantPaths, APartIsPassedOn) {
    ASSERT_EQ(from(), Error::None);
    EXPECT_EQ(std::string(own, 8), "456789ab");
    ASSERT_EQ(from(0, 6, 2), Error::None);
    EXPECT_EQ(std::string(own, 2), "ab");
    EXPECT_EQ(from(0, 6, 3), Error::Permission) << "beyond the part";
    std::memcpy(own, "XY", 2);
    ASSERT_EQ(into(0, 0, 2), Error::None);
    ASSERT_EQ(from(), Error::None);
    EXPECT_EQ(std::string(own, 8), "XY6789ab");
}

TEST_F(GrantPaths, EveryGrantOfThePathHasToAllowIt) {
    tables[middle][0].bytes = 13;
    EXPECT_EQ(from(0, 0, 13), Error::Permission) << "more than was granted";
    EXPECT_EQ(from(0, 0, 12), Error::None);
    tables[owner][0].flags &= ~uint32_t{Grant::kWrite};
    EXPECT_EQ(into(), Error::Permission);
    EXPECT_EQ(from(), Error::None);
    tables[middle][0].flags &= ~uint32_t{Grant::kRead};
    EXPECT_EQ(from(), Error::Permission);
    tables[middle][0].flags |= Grant::kRead;
    tables[owner][0].grantee = program;
    EXPECT_EQ(from(), Error::Permission) << "not who passes it on";
    tables[owner][0].grantee = middle;
    tables[owner][0].sequence = 1;
    EXPECT_EQ(from(), Error::Permission);
    tables[middle][0].passed_on = 1 << 20;
    EXPECT_EQ(from(), Error::None);
    tables[owner][0].flags = 0;
    EXPECT_EQ(from(), Error::Permission) << "taken back at its root";
    tables[middle][0].other = Endpoint::of(20, 1);
    EXPECT_EQ(from(), Error::DeadEndpoint);
    tables[middle][0].other = kAny;
    EXPECT_EQ(from(), Error::Invalid);
}

TEST_F(GrantPaths, AreNoLongerThanFive) {
    tables[middle][0].grantee = kAny;
    for (uint32_t i = 1; i < 5; ++i) tables[middle][i] = {kPassedOn | kAllRights, 0, kAny, middle, 0, 8, i - 1};
    EXPECT_EQ(from(3), Error::None) << "four that pass it on, and the owner's";
    EXPECT_EQ(from(4), Error::Loop);
    tables[middle][0] = {kPassedOn | kAllRights, 0, kAny, middle, 0, 8, 0};
    EXPECT_EQ(from(), Error::Loop) << "itself";
}

TEST_F(GrantPaths, OthersMemoryIsGrantedByWhoMay) {
    tables[middle][1] = {kOfOthers | kAllRights, 0, program, owner, at(1).raw(), kText};
    process(middle).privileges.flags &= ~uint32_t{kMagicGrants};
    EXPECT_EQ(from(1), Error::Permission);
    process(middle).privileges.flags |= kMagicGrants;
    ASSERT_EQ(from(1), Error::None);
    EXPECT_EQ(std::string(own, 8), "01234567");
    tables[middle][1].other = kSelf;
    EXPECT_EQ(from(1), Error::Permission) << "whose that would be depends on who asks";
    tables[middle][1].other = Endpoint{0x7fff};
    EXPECT_EQ(from(1), Error::BadEndpoint);
}

TEST_F(GrantPaths, VmIsAskedToMap) {
    EXPECT_EQ(safemap(MapMode::SharedReadOnly, 0, 2, 5), Error::DoNotReply);
    EXPECT_EQ(request.type(), kMapRequest);
    EXPECT_EQ(request.words[1], at(1).raw() + 6);
    EXPECT_EQ(request.words[2], at(8).raw() | static_cast<uint64_t>(MapMode::SharedReadOnly));
    EXPECT_EQ(request.words[4], process(owner).id().raw());
    EXPECT_EQ(request.words[6], 5u);
    ASSERT_EQ(path(), Error::None);
    EXPECT_EQ(message.words[1], 2u);
    EXPECT_EQ(message.words[2], name(middle, 0).raw());
    EXPECT_EQ(message.words[3], name(owner, 0).raw());
    EXPECT_EQ(answer(Error::None), Error::None);
}

TEST_F(GrantPaths, VmsRefusalIsTheCalls) {
    for (const Error error : {Error::Exists, Error::Invalid, Error::BadAddress, Error::AccessDenied, Error::NoMemory}) {
        ASSERT_EQ(safemap(), Error::DoNotReply);
        EXPECT_EQ(answer(error), error);
    }
    ASSERT_EQ(safemap(), Error::DoNotReply);
    kill(owner);
    EXPECT_EQ(answer(Error::NoProcess), Error::DeadEndpoint);
}

TEST_F(GrantPaths, MapsAreRefusedByTheGrants) {
    EXPECT_EQ(call(program, KernelCall::Safemap, {middle.raw(), 0, 0, at(8).raw() + 8, 8, 0}), Error::Invalid) << "unaligned";
    EXPECT_EQ(call(program, KernelCall::Safemap, {middle.raw(), 0, 0, at(8).raw(), 8, 3}), Error::Invalid) << "no such mode";
    EXPECT_EQ(call(program, KernelCall::Safemap, {kAny.raw(), 0, 0, at(8).raw(), 8, 0}), Error::Invalid);
    EXPECT_EQ(call(program, KernelCall::Safemap, {0x7fff, 0, 0, at(8).raw(), 8, 0}), Error::BadEndpoint);
    EXPECT_EQ(call(program, KernelCall::Safemap, {Endpoint::of(20, 1).raw(), 0, 0, at(8).raw(), 8, 0}), Error::DeadEndpoint);
    EXPECT_EQ(safemap(MapMode::CopyOnWrite, 0, 4, 5), Error::Permission);
    tables[owner][0].flags &= ~uint32_t{Grant::kWrite};
    EXPECT_EQ(safemap(), Error::Permission);
    tables[owner][0].flags &= ~uint32_t{Grant::kMap};
    EXPECT_EQ(safemap(MapMode::SharedReadOnly), Error::Permission);
    EXPECT_EQ(from(), Error::None);
    tables[middle][0] = {kPassedOn | kAllRights, 0, kAny, middle, 0, 8, 0};
    EXPECT_EQ(safemap(), Error::Loop);
}

// The grant goes between the kernel's check and VM's: VM hears of it, and what it answers is the call's.
TEST_F(GrantPaths, AreCheckedOnceMoreForVm) {
    ASSERT_EQ(safemap(), Error::DoNotReply);
    const uint64_t sequence = request.words[3];
    EXPECT_EQ(call(worker[0], KernelCall::GrantPath, {program.raw(), sequence + 1}), Error::Again) << "another request";
    EXPECT_EQ(call(worker[0], KernelCall::GrantPath, {middle.raw(), sequence}), Error::Again);
    tables[owner][0].address += 1;
    EXPECT_EQ(path(), Error::Again) << "other memory than what VM was asked for";
    tables[owner][0].flags = 0;
    EXPECT_EQ(path(), Error::Permission);
    EXPECT_EQ(call(owner, KernelCall::GrantPath, {program.raw(), sequence}), Error::CallDenied);
    EXPECT_EQ(answer(Error::Permission), Error::Permission);
}

// Again: the whole call, from its checks on.
TEST_F(GrantPaths, AMapIsAskedForAnew) {
    ASSERT_EQ(safemap(), Error::DoNotReply);
    EXPECT_EQ(answer(Error::Again), Error::DoNotReply);
    hear();
    EXPECT_EQ(request.type(), kMapRequest);
    EXPECT_EQ(answer(Error::None), Error::None);
    ASSERT_EQ(safemap(), Error::DoNotReply);
    tables[owner][0].flags = 0;
    EXPECT_EQ(answer(Error::Again), Error::Permission);
}

TEST_F(GrantPaths, VmIsAskedToUnmapAndToRevoke) {
    ASSERT_EQ(ask(KernelCall::Safeunmap, {at(8).raw()}), Error::DoNotReply);
    EXPECT_EQ(request.type(), kUnmapRequest);
    EXPECT_EQ(request.words[1], at(8).raw());
    EXPECT_EQ(path(), Error::Again) << "no map";
    EXPECT_EQ(answer(Error::BadAddress), Error::BadAddress);
    ASSERT_EQ(ask(KernelCall::Saferevmap, {3 << 20 | 5}), Error::DoNotReply);
    EXPECT_EQ(request.type(), kRevokeRequest);
    EXPECT_EQ(request.words[1], uint64_t{3 << 20 | 5});
    EXPECT_EQ(answer(Error::NoMemory), Error::NoMemory);
    EXPECT_EQ(call(program, KernelCall::Saferevmap, {uint64_t{1} << 31}), Error::Invalid);
}

TEST_F(GrantPaths, WorkersMapNothing) {
    ASSERT_EQ(safemap(), Error::DoNotReply);  // so that the worker runs
    EXPECT_EQ(call(worker[0], KernelCall::Safeunmap, {at(8).raw()}), Error::Permission);
    EXPECT_EQ(call(worker[0], KernelCall::Saferevmap, {0}), Error::Permission);
    EXPECT_EQ(answer(Error::None), Error::None);
}

}  // namespace
}  // namespace shoal::test
