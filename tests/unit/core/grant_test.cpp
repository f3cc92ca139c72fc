// Grants, rule by rule, between processes of one CPU and of two: who may copy what, and what happens when a page is absent or
// the granter ends in the middle.
#include <cstring>

#include "abi/grant.hpp"
#include "tests/unit/core/paged_test.hpp"

namespace shoal::test {
namespace {

constexpr uint32_t kUsable = Grant::kUsed | Grant::kDirect | Grant::kValid;

// The caller lives on CPU 0. Parameter: the granter's CPU. Pages of the granter: 0 the table, 1 and 2 what it grants; of the caller: 3, 4.
class Grants : public PagedTest, public ::testing::WithParamInterface<uint16_t> {
  protected:
    static constexpr uint64_t kText = 7;

    Grants() {
        grants = reinterpret_cast<Grant*>(page(granter, 0));
        granted = page(granter, 1);
        own = page(program, 3);
        std::memcpy(granted, "granted", kText);
        std::memcpy(own, "written", kText);
        grants[0] = whole(kUsable | Grant::kRead | Grant::kWrite);
        link(program);
        link(granter);
        EXPECT_EQ(call(granter, KernelCall::GrantTable, {at(0).raw(), 4}), Error::None);
        if (GetParam() != 0) answer_request(granter);  // the table of the granter's pages, for the caller's CPU
    }
    Grant whole(uint32_t flags) const { return {flags, 0, program, {}, at(1).raw(), kText}; }
    Error from(uint64_t number = 0, uint64_t offset = 0, uint64_t bytes = kText, Endpoint by = kNone) {
        return call(program, KernelCall::SafeCopyFrom, {(by == kNone ? granter : by).raw(), number, offset, at(3).raw(), bytes});
    }
    Error into(uint64_t number = 0, uint64_t offset = 0, uint64_t bytes = kText) {
        return call(program, KernelCall::SafeCopyTo, {granter.raw(), number, offset, at(3).raw(), bytes});
    }
    // Another CPU's first use of the granter's space finds no tables: VM links them, once.
    void answer_request(Endpoint about) {
        ASSERT_EQ(from(), Error::DoNotReply);
        std::memcpy(own, "written", kText);
        EXPECT_EQ(replay(about, Error::None, table_of(about)), Error::None);
        std::memcpy(own, "written", kText);
    }
    // VM answers the caller's memory request about that process; the call's error after its replay.
    Error replay(Endpoint about, Error outcome = Error::None, PhysicalAddress table = {}) {
        const Message request = received(worker[0]);
        EXPECT_EQ(request.type(), kMemoryRequest);
        EXPECT_EQ(request.source(), program);
        EXPECT_EQ(request.words[4], process(about).id().raw());
        EXPECT_EQ(request.words[7], process(program).id().raw()) << "who wants it";
        EXPECT_EQ(resume(worker[0], program, request.words[3], outcome, table), Error::DoNotReply);
        for (int turns = 0; turns < 4; ++turns) machine.advance(20'000'000);
        return FakeMachine::waits(program) ? Error::DoNotReply : FakeMachine::outcome(program);
    }

    Endpoint granter = GetParam() == 0 ? other : far;
    Grant* grants;
    char *granted, *own;
};

TEST_P(Grants, AreReadAndWritten) {
    EXPECT_EQ(from(), Error::None);
    EXPECT_EQ(std::string(own, kText), "granted");
    std::memcpy(own, "written", kText);
    EXPECT_EQ(into(0, 2, 3), Error::None);
    EXPECT_EQ(std::string(granted, kText), "grwried");
}

TEST_P(Grants, NamesOfNobody) {
    EXPECT_EQ(from(0, 0, kText, Endpoint{0x7fff}), Error::BadEndpoint);
    EXPECT_EQ(from(0, 0, kText, Endpoint::of(20, 1)), Error::DeadEndpoint);
    for (const Endpoint reserved : {kAny, kSelf, kVm, kKernel}) EXPECT_EQ(from(0, 0, kText, reserved), Error::Invalid);
}

TEST_P(Grants, NumbersThatAreNone) {
    EXPECT_EQ(from(uint64_t{1} << 31), Error::Invalid);
    EXPECT_EQ(from(~uint64_t{0}), Error::Invalid);
    EXPECT_EQ(from(4), Error::Permission) << "beyond the table";
    EXPECT_EQ(from((1 << 20) - 1), Error::Permission);
    EXPECT_EQ(from(1 << 20), Error::Permission) << "a sequence that it does not have";
    grants[0].sequence = 1;
    EXPECT_EQ(from(0), Error::Permission) << "an old sequence";
    EXPECT_EQ(from(1 << 20), Error::None);
    EXPECT_EQ(from(3), Error::Permission) << "an empty entry";
}

TEST_P(Grants, EntriesThatAreIncomplete) {
    for (const uint32_t missing : {Grant::kUsed, Grant::kDirect, Grant::kValid, Grant::kRead}) {
        grants[0] = whole((kUsable | Grant::kRead) & ~missing);
        EXPECT_EQ(from(), Error::Permission) << missing;
    }
    for (const uint32_t more : {Grant::kIndirect, Grant::kMagic}) {
        grants[0] = whole(kUsable | Grant::kRead | more);
        EXPECT_EQ(from(), Error::Permission) << "of two kinds";
    }
}

TEST_P(Grants, RightsAreSeparate) {
    grants[0] = whole(kUsable | Grant::kRead);
    EXPECT_EQ(into(), Error::Permission);
    EXPECT_EQ(from(), Error::None);
    grants[0] = whole(kUsable | Grant::kWrite);
    EXPECT_EQ(from(), Error::Permission);
    EXPECT_EQ(into(), Error::None);
}

TEST_P(Grants, AreForTheirGranteeOnly) {
    grants[0].grantee = worker[0];
    EXPECT_EQ(from(), Error::Permission);
    grants[0].grantee = kAny;
    EXPECT_EQ(from(), Error::None);
    ASSERT_EQ(call(program, KernelCall::ThreadCreate, {0x1000, 0x2000, 0, 0, 0}), Error::None);
    const Endpoint second{static_cast<uint32_t>(message.words[1])};
    const auto from_second = [&] {
        return call(second, KernelCall::SafeCopyFrom, {granter.raw(), 0, 0, at(3).raw(), kText});
    };
    grants[0].grantee = program;
    EXPECT_EQ(from_second(), Error::None) << "a process' name is that of its first thread";
    grants[0].grantee = second;
    EXPECT_EQ(from_second(), Error::None);
    EXPECT_EQ(from(), Error::Permission) << "given to one thread";
}

TEST_P(Grants, RangesAreKept) {
    EXPECT_EQ(from(0, 1, kText), Error::Permission);
    EXPECT_EQ(from(0, 0, kText + 1), Error::Permission);
    EXPECT_EQ(from(0, kText, 1), Error::Permission);
    EXPECT_EQ(from(0, ~uint64_t{0}, 2), Error::Permission) << "offset and length wrap";
    EXPECT_EQ(from(0, 2, ~uint64_t{0} - 1), Error::Permission);
    EXPECT_EQ(from(0, 0, ~uint64_t{0}), Error::Permission);
    EXPECT_EQ(from(0, kText, 0), Error::None) << "nothing, at its end";
    EXPECT_EQ(std::string(own, kText), "written");
}

TEST_P(Grants, OfWhatIsNoUserMemory) {
    grants[0].address = ~uint64_t{0} - 3;
    EXPECT_EQ(from(), Error::Permission) << "wraps";
    grants[0].address = kUserTop - 3;
    EXPECT_EQ(from(), Error::Permission);
    grants[0] = {kUsable | Grant::kRead, 0, program, {}, 0x1000, ~uint64_t{0}};
    EXPECT_EQ(from(), Error::Permission);
    grants[0].address = 0xffff'8000'0000'0000;
    grants[0].bytes = kText;
    EXPECT_EQ(from(), Error::Permission);
}

TEST_P(Grants, TheCallersOwnAddressIsChecked) {
    for (const uint64_t address : {kUserTop - 3, ~uint64_t{0} - 3, uint64_t{0xffff'8000'0000'0000}})
        EXPECT_EQ(call(program, KernelCall::SafeCopyFrom, {granter.raw(), 0, 0, address, kText}), Error::BadAddress);
}

TEST_P(Grants, TablesAreChecked) {
    EXPECT_EQ(call(granter, KernelCall::GrantTable, {at(0).raw() + 4, 1}), Error::Invalid);
    EXPECT_EQ(call(granter, KernelCall::GrantTable, {at(0).raw(), (1 << 20) + 1}), Error::Invalid);
    EXPECT_EQ(call(granter, KernelCall::GrantTable, {kUserTop - 32, 2}), Error::BadAddress);
    EXPECT_EQ(call(granter, KernelCall::GrantTable, {~uint64_t{0} - 31, 1}), Error::BadAddress);
    EXPECT_EQ(from(), Error::None) << "the one before is still there";
    EXPECT_EQ(call(granter, KernelCall::GrantTable, {0, 0}), Error::None);
    EXPECT_EQ(from(), Error::Permission) << "taken away";
}

TEST_P(Grants, AreTakenBackByOneStore) {
    EXPECT_EQ(from(), Error::None);
    grants[0].flags = 0;
    EXPECT_EQ(from(), Error::Permission);
}

TEST_P(Grants, ADeadGranterGivesNothing) {
    kill(granter);
    EXPECT_EQ(from(), Error::DeadEndpoint);
    EXPECT_EQ(into(), Error::DeadEndpoint);
}

TEST_P(Grants, AnAbsentPageOfTheGranterIsProvidedAndTheCallReplayed) {
    grants[0].address = at(2).raw();
    ASSERT_EQ(from(), Error::DoNotReply);
    EXPECT_EQ(received(worker[0]).words[1], at(2).raw());
    EXPECT_EQ(received(worker[0]).words[6], kText);
    std::memcpy(page(granter, 2), "fetched", kText);
    EXPECT_EQ(replay(granter), Error::None);
    EXPECT_EQ(std::string(own, kText), "fetched");
}

TEST_P(Grants, AnAbsentPageOfTheCallerIsProvidedAndTheCallReplayed) {
    const auto to_absent = [&] { return call(program, KernelCall::SafeCopyFrom, {granter.raw(), 0, 0, at(4).raw(), kText}); };
    ASSERT_EQ(to_absent(), Error::DoNotReply);
    EXPECT_EQ(received(worker[0]).words[1], at(4).raw());
    EXPECT_TRUE(received(worker[0]).words[2] & kFaultWrite);
    const char* const to = page(program, 4);
    EXPECT_EQ(replay(program), Error::None);
    EXPECT_EQ(std::string(to, kText), "granted");
}

TEST_P(Grants, AnAbsentPageOfTheTableIsProvidedAndTheCallReplayed) {
    ASSERT_EQ(call(granter, KernelCall::GrantTable, {at(5).raw(), 1}), Error::None);
    ASSERT_EQ(from(), Error::DoNotReply);
    EXPECT_EQ(received(worker[0]).words[1], at(5).raw());
    *reinterpret_cast<Grant*>(page(granter, 5)) = whole(kUsable | Grant::kRead);
    EXPECT_EQ(replay(granter), Error::None);
    EXPECT_EQ(std::string(own, kText), "granted");
}

TEST_P(Grants, WhatVmRefusesIsABadAddress) {
    grants[0].address = at(2).raw();
    ASSERT_EQ(from(), Error::DoNotReply);
    EXPECT_EQ(replay(granter, Error::BadAddress), Error::BadAddress);
}

TEST_P(Grants, AReadOnlyPageOfTheGranterIsVmsToDecide) {
    page(granter, 2, paged_space::kUserPage & ~uint64_t{kernel::space::PageEntry::kWritable});
    grants[0].address = at(2).raw();
    EXPECT_EQ(from(), Error::None);
    ASSERT_EQ(into(), Error::DoNotReply);
    EXPECT_EQ(received(worker[0]).words[2], uint64_t{kFaultPresent | kFaultWrite | kFaultUser});
    EXPECT_EQ(replay(granter, Error::AccessDenied), Error::AccessDenied);
}

TEST_P(Grants, ATryingGrantAsksNobody) {
    grants[0] = whole(kUsable | Grant::kRead | Grant::kTry);
    grants[0].address = at(2).raw();
    EXPECT_EQ(from(), Error::BadAddress);
    grants[0].address = at(1).raw();
    EXPECT_EQ(from(), Error::None);
}

TEST_P(Grants, TakenBackWhileTheCallWaits) {
    grants[0].address = at(2).raw();
    ASSERT_EQ(from(), Error::DoNotReply);
    page(granter, 2);
    grants[0].flags = 0;
    EXPECT_EQ(replay(granter), Error::Permission);
    EXPECT_EQ(std::string(own, kText), "written");
}

TEST_P(Grants, TheGranterDiesWhileTheCallWaits) {
    grants[0].address = at(2).raw();
    ASSERT_EQ(from(), Error::DoNotReply);
    const Message request = received(worker[0]);
    kill(granter);
    EXPECT_EQ(resume(worker[0], program, request.words[3]), Error::DoNotReply);
    for (int turns = 0; turns < 4; ++turns) machine.advance(20'000'000);
    EXPECT_EQ(FakeMachine::outcome(program), Error::DeadEndpoint);
}

TEST_P(Grants, VmKnowsNoSpaceOfTheGranter) {
    grants[0].address = at(2).raw();
    ASSERT_EQ(from(), Error::DoNotReply);
    EXPECT_EQ(replay(granter, Error::NoProcess), Error::BadAddress) << "it lives, but has no memory";
    ASSERT_EQ(from(), Error::DoNotReply);
    const Message request = received(worker[0]);
    kill(granter);
    EXPECT_EQ(resume(worker[0], program, request.words[3], Error::NoProcess), Error::DoNotReply);
    EXPECT_EQ(FakeMachine::outcome(program), Error::DeadEndpoint);
}

TEST_P(Grants, TheCallerDiesWhileItWaits) {
    grants[0].address = at(2).raw();
    ASSERT_EQ(from(), Error::DoNotReply);
    const Message request = received(worker[0]);
    kill(program);
    page(granter, 2);
    EXPECT_EQ(resume(worker[0], program, request.words[3]), Error::DoNotReply);
    EXPECT_EQ(FakeMachine::thread(program).state, kernel::ThreadState::Dead);
    EXPECT_EQ(std::string(own, kText), "written");
}

// A long copy lets interrupts in between its parts, and the grant is looked at again for each.
TEST_P(Grants, TakenBackBetweenTwoPartsOfALongCopy) {
    constexpr unsigned kPages = 40, kFirst = 32;  // pieces of one part
    for (unsigned i = 0; i < kPages; ++i) page(granter, 100 + i), page(program, 200 + i);
    grants[1] = {kUsable | Grant::kRead, 0, program, {}, at(100).raw(), kPages * kPageSize};
    kernel::Thread& thread = FakeMachine::thread(program);
    const uint64_t rip = thread.registers.rip;
    call(program, KernelCall::SafeCopyFrom, {granter.raw(), 1, 0, at(200).raw(), kPages * kPageSize});
    EXPECT_EQ(thread.registers.rip, rip - 2) << "the trap is entered anew";
    EXPECT_EQ(thread.registers.r9, kFirst * kPageSize) << "offset";
    EXPECT_EQ(thread.registers.r12, (kPages - kFirst) * kPageSize) << "what is left";
    grants[1].flags = 0;
    Message rest = thread.registers.message();
    EXPECT_EQ(machine.call(program, static_cast<uint64_t>(KernelCall::SafeCopyFrom), rest), Error::Permission);
}

INSTANTIATE_TEST_SUITE_P(Same, Grants, ::testing::Values(0));
INSTANTIATE_TEST_SUITE_P(Across, Grants, ::testing::Values(1));

}  // namespace
}  // namespace shoal::test
