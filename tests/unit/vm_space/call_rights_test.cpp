// Which calls a process may make: what its privileges give, but for what rs_set_priv has taken away.
#include <gtest/gtest.h>

#include "abi/memory.hpp"
#include "servers/vm/requests/dispatcher.hpp"
#include "tests/support/vm/harness.hpp"
#include "tests/unit/vm_space/notices.hpp"

namespace shoal::vm::test {
namespace {

class CallRights : public ::testing::Test {
  protected:
    static constexpr uint64_t kAll = ~uint64_t{0};
    static constexpr uint64_t bit(VmCall call) { return uint64_t{1} << static_cast<unsigned>(call); }

    void TearDown() override {
        EXPECT_EQ(vm.audit(), 0u);
        ASSERT_EQ(narrow(server, kAll), Error::None);  // it asks for its end itself
        for (const ProcessId process : {server, manager}) EXPECT_EQ(vm.exit(kCpu0, process), Error::None);
    }
    Error narrow(ProcessId process, uint64_t mask) { return vm.call(kCpu0, manager, VmCall::RsSetPriv, {{0, process.raw(), mask}}).outcome(); }
    Error fork(ProcessId asker, uint64_t allowed = kVmCallAllowed) {
        return vm.call(kCpu0, asker, VmCall::Fork, {{0, server.raw(), server.raw()}}, allowed).outcome();
    }
    // Invalid: it has been looked at.
    static constexpr Error kAllowed = Error::Invalid;

    Harness vm{{}};
    const ProcessId server = vm.create(kCpu0), manager = vm.create(kCpu0);
};

TEST_F(CallRights, PrivilegesAloneDecideAtFirst) {
    EXPECT_EQ(fork(server), kAllowed);
    EXPECT_EQ(fork(server, 0), Error::CallDenied);
}

TEST_F(CallRights, AMaskTakesAwayAndGivesBackAndNeverAdds) {
    ASSERT_EQ(narrow(server, kAll & ~bit(VmCall::Fork)), Error::None);
    EXPECT_EQ(fork(server), Error::CallDenied);
    EXPECT_EQ(vm.call(kCpu0, server, VmCall::Getdma, {}).outcome(), Error::NoEntry) << "others are as before";
    EXPECT_EQ(fork(manager), kAllowed) << "and so is everybody else";
    ASSERT_EQ(narrow(server, bit(VmCall::Fork)), Error::None);
    EXPECT_EQ(fork(server), kAllowed);
    EXPECT_EQ(fork(server, 0), Error::CallDenied) << "what privileges do not give, a mask does not";
    EXPECT_EQ(vm.call(kCpu0, server, VmCall::Getdma, {}).outcome(), Error::CallDenied);
    ASSERT_EQ(narrow(server, kAll), Error::None);
    EXPECT_EQ(vm.call(kCpu0, server, VmCall::Getdma, {}).outcome(), Error::NoEntry);
}

TEST_F(CallRights, TheBasicSetStaysWithoutWhatNeedsTheBit) {
    ASSERT_EQ(narrow(server, 0), Error::None);
    const VirtualAddress a = vm.mmap(kCpu0, server, kPageSize).release();
    EXPECT_EQ(vm.write(kCpu0, server, a, 1), Error::None);
    EXPECT_EQ(vm.munmap(kCpu0, server, a, kPageSize), Error::None);
    EXPECT_EQ(vm.call(kCpu0, server, VmCall::Getrusage, {{0, server.raw()}}).outcome(), Error::None);
    EXPECT_EQ(vm.call(kCpu0, server, VmCall::Getrusage, {{0, manager.raw()}}).outcome(), Error::Permission);
    constexpr uint64_t kFlags = kMapAnonymous | kMapPrivate | kMapContiguous | kMapPopulate | kMapBelow16M;
    EXPECT_EQ(vm.mmap(kCpu0, server, kPageSize, kProtectRead, kFlags).error(), Error::Permission);
    ASSERT_EQ(narrow(server, bit(VmCall::Getrusage)), Error::None);
    EXPECT_EQ(vm.call(kCpu0, server, VmCall::Getrusage, {{0, manager.raw()}}).outcome(), Error::None);
}

TEST_F(CallRights, EndsWithTheProcessAndIsNotInherited) {
    const ProcessId process = vm.create(kCpu0), copy = vm.create(kCpu0);
    ASSERT_EQ(narrow(process, 0), Error::None);
    ASSERT_EQ(vm.call(kCpu0, manager, VmCall::Fork, {{0, process.raw(), copy.raw()}}).outcome(), Error::None);
    EXPECT_EQ(fork(process), Error::CallDenied);
    EXPECT_EQ(fork(copy), kAllowed);
    EXPECT_EQ(vm.exit(kCpu0, copy), Error::None);
    ASSERT_EQ(vm.call(kCpu0, manager, VmCall::Willexit, {{0, process.raw()}}).outcome(), Error::None);
    ASSERT_EQ(vm.call(kCpu0, manager, VmCall::Exit, {{0, process.raw()}}).outcome(), Error::None);
    EXPECT_EQ(narrow(process, kAll), Error::NoProcess);
    EXPECT_EQ(narrow(ProcessId::of(60, 3), kAll), Error::NoProcess);
}

// So that what it has been called for is not lost.
TEST_F(CallRights, ACallThatWaitsGoesOn) {
    const ProcessId process = vm.create(kCpu0);
    ASSERT_EQ(watch(vm, kCpu0, server, process), Error::None);
    WorkerContext worker = vm.context(kCpu0);
    Exchange exchange;
    exchange.message = {{0, kQueryExitWait}};
    exchange.message.words[kVmCallerWord] = server.raw() | kVmCallAllowed;
    exchange.message.set_type(kVmCallBase + static_cast<uint32_t>(VmCall::QueryExit));
    ASSERT_EQ(dispatch(worker, exchange).kind, Action::Kind::None);
    ASSERT_EQ(narrow(server, 0), Error::None);
    EXPECT_EQ(query(vm, kCpu0, server).error, Error::CallDenied);
    ASSERT_TRUE(notify_signal(worker, process, {}).ok());
    while (work(worker, exchange).kind == Action::Kind::None) {}
    EXPECT_EQ(news_of(exchange.message), (News{Error::None, process, ExitNotice::Signal, false}));
    EXPECT_EQ(vm.exit(kCpu0, process), Error::None);
}

TEST_F(CallRights, OneMayTakeThemFromOneself) {
    ASSERT_EQ(vm.call(kCpu0, server, VmCall::RsSetPriv, {{0, server.raw(), bit(VmCall::Willexit) | bit(VmCall::Exit)}}).outcome(), Error::None);
    EXPECT_EQ(vm.call(kCpu0, server, VmCall::RsSetPriv, {{0, server.raw(), kAll}}).outcome(), Error::CallDenied);
    EXPECT_EQ(vm.call(kCpu0, manager, VmCall::RsSetPriv, {{0, server.raw(), kAll}}, 0).outcome(), Error::CallDenied);
    ASSERT_EQ(narrow(server, kAll), Error::None) << "another one has to give them back";
}

}  // namespace
}  // namespace shoal::vm::test
