// Spawn: what a request may say, what the child is given, and that a step that fails leaves nothing behind.
#include "servers/pm/privileges.hpp"
#include "tests/unit/pm/pm_fixture.hpp"

namespace shoal::pm::test {
namespace {

class Spawn : public Pm {
  protected:
    const Endpoint parent = spawn(kRs);

    // What the last child was given.
    bool may_manage() const {
        return (system.privileges.vm_call_mask >> static_cast<unsigned>(VmCall::Fork) & 1) != 0 &&
               (system.privileges.kernel_call_mask[0] >> static_cast<unsigned>(KernelCall::ProcessCreate) & 1) != 0;
    }

    void expect_refused(const SpawnRequest& request, Error error) {
        const uint32_t processes = system.processes(), threads = system.threads(), spaces = system.spaces();
        EXPECT_EQ(spawn(parent, request).error(), error);
        server.collect_stopped();
        EXPECT_EQ(system.processes(), processes);
        EXPECT_EQ(system.threads(), threads);
        EXPECT_EQ(system.spaces(), spaces);
        EXPECT_EQ(poll(parent).outcome, Error::NoChild) << "its parent was told of it";
        EXPECT_TRUE(system.told_root.empty());
    }
};

TEST_F(Spawn, GivesTheChildWhatTheRequestSays) {
    SpawnRequest request = request_for(kImage, std::string("a\0bc\0", 5));
    request.quota_pages = 77;
    request.cpu = 3;
    request.share_count = 1;
    request.shares[0] = {VirtualAddress{0x10000}, VirtualAddress{0x20000}};
    const Endpoint child = spawn(parent, request).value();
    EXPECT_TRUE(system.runs(child));
    EXPECT_EQ(system.title, kImage);
    EXPECT_EQ(system.quota, 77u);
    EXPECT_EQ(system.cpu, 3u);
    EXPECT_EQ(system.shares, std::vector{request.shares[0]});
    EXPECT_EQ(system.load.source, ProcessId::of(kRsSlot, 1));
    EXPECT_EQ(system.load.image_bytes, 8192u);
    EXPECT_EQ(system.load.argument_count, 2u);
    EXPECT_EQ(std::memcmp(system.load.arguments, "a\0bc\0", 5), 0);
    EXPECT_EQ(system.privileges.manager, kPm);
    EXPECT_EQ(system.privileges.send_mask[0] >> kRsSlot & 1, 0u) << "a program may send to RS";
    EXPECT_EQ(system.privileges.kernel_call_mask[0] | system.privileges.kernel_call_mask[1], 0u);
    EXPECT_EQ(system.privileges.vm_call_mask, 0u);
}

TEST_F(Spawn, LoadsAnImageFromTheParentsMemory) {
    SpawnRequest request = request_for("");
    request.image = VirtualAddress{0x123000};
    request.image_bytes = 99;
    ASSERT_TRUE(spawn(parent, request).ok());
    EXPECT_EQ(system.load.source, system.process_of(parent).value().process);
    EXPECT_EQ(system.load.image, VirtualAddress{0x123000});
    EXPECT_EQ(system.title, "program") << "its first argument";
}

TEST_F(Spawn, RefusesMalformedRequests) {
    SpawnRequest endless = request_for(kImage);
    std::memset(endless.name, 'x', sizeof endless.name);
    expect_refused(endless, Error::Invalid);

    SpawnRequest shares = request_for(kImage);
    shares.share_count = SpawnRequest::kMaxShares + 1;
    expect_refused(shares, Error::Invalid);
    shares.share_count = ~uint64_t{0};
    expect_refused(shares, Error::Invalid);
    shares.share_count = 1;  // of nothing
    expect_refused(shares, Error::Invalid);

    SpawnRequest bytes = request_for(kImage);
    bytes.argument_bytes = SpawnRequest::kMaxArgumentBytes + 1;
    expect_refused(bytes, Error::TooBig);
    bytes.argument_bytes = ~uint64_t{0};
    expect_refused(bytes, Error::TooBig);

    SpawnRequest unended = request_for(kImage, "abc");
    unended.argument_count = 1;
    expect_refused(unended, Error::Invalid);
    SpawnRequest miscounted = request_for(kImage);
    miscounted.argument_count = 2;
    expect_refused(miscounted, Error::Invalid);

    expect_refused(request_for("absent"), Error::NoEntry);
    EXPECT_EQ(ask(parent, PmCall::Spawn, 0).outcome(), Error::BadAddress);
}

TEST_F(Spawn, ARoleIsHandedDownByWhoHasIt) {
    SpawnRequest managing = request_for(kImage);
    managing.role = ProgramRole::ProcessManager;
    expect_refused(managing, Error::Permission);
    managing.role = ProgramRole::Driver;
    expect_refused(managing, Error::Permission);
    managing.role = ProgramRole::FileServer;
    expect_refused(managing, Error::Permission);
    managing.role = ProgramRole{4};
    expect_refused(managing, Error::Invalid);

    SpawnRequest first = request_for("");
    first.image = VirtualAddress{0x2000};
    first.image_bytes = 4096;
    first.role = ProgramRole::ProcessManager;
    const Endpoint manager = spawn(kRs, first).value();
    EXPECT_TRUE(may_manage());
    const Endpoint child = spawn(manager, request_for(kImage)).value();
    EXPECT_FALSE(may_manage()) << "a role is not inherited";
    managing.role = ProgramRole::ProcessManager;
    EXPECT_EQ(spawn(child, managing).error(), Error::Permission);
    EXPECT_TRUE(spawn(manager, managing).ok());
    EXPECT_TRUE(may_manage());
}

TEST_F(Spawn, ADriverReachesDevicesAndNoMore) {
    SpawnRequest first = request_for("");
    first.image = VirtualAddress{0x2000};
    first.image_bytes = 4096;
    first.role = ProgramRole::Driver;
    const Endpoint driver = spawn(kRs, first).value();
    EXPECT_GT(system.privileges.device_memory[0].count, 0u);
    EXPECT_FALSE(may_manage());
    SpawnRequest managing = request_for(kImage);
    managing.role = ProgramRole::ProcessManager;
    EXPECT_EQ(spawn(driver, managing).error(), Error::Permission) << "one role is not above the other";
    EXPECT_TRUE(spawn(driver, request_for(kImage)).ok());
    EXPECT_EQ(system.privileges.device_memory[0].count, 0u);
}

TEST_F(Spawn, EveryStepThatFailsIsUndone) {
    SpawnRequest request = request_for(kImage);
    request.share_count = 2;
    request.shares[0] = request.shares[1] = {VirtualAddress{0x10000}, VirtualAddress{0x11000}};
    const std::pair<Step, Error> failures[] = {
        {Step::Create, Error::Again},       {Step::Privileges, Error::BadAddress}, {Step::Space, Error::NoMemory},
        {Step::Load, Error::BadExecutable}, {Step::Share, Error::Exists},          {Step::Start, Error::BadCpu}};
    for (const auto& [step, error] : failures) {
        SCOPED_TRACE(static_cast<int>(step));
        system.fail_next(step, error);
        expect_refused(request, error);
    }
    EXPECT_TRUE(spawn(parent, request).ok());
}

TEST_F(Spawn, FullTablesAreAnErrorAndRecover) {
    std::vector<Endpoint> children;
    while (system.has_slots_for_process()) children.push_back(spawn(parent, request_for(kImage)).value());
    EXPECT_EQ(system.processes(), FakeSystem::kProcessSlots - 1) << "slot 0 is nobody's";
    EXPECT_EQ(spawn(parent, request_for(kImage)).error(), Error::Again);
    // A zombie keeps its slots; waiting for it frees them.
    end(children[2], 5);
    EXPECT_EQ(spawn(parent, request_for(kImage)).error(), Error::Again);
    EXPECT_EQ(wait(parent, children[2]).child.status, 5);
    EXPECT_TRUE(spawn(parent, request_for(kImage)).ok());
}

TEST_F(Spawn, WhoPmHasNotMadeIsRefused) {
    EXPECT_EQ(spawn(kPm, request_for(kImage)).error(), Error::Permission);
    EXPECT_EQ(spawn(Endpoint::of(9, 9), request_for(kImage)).error(), Error::DeadEndpoint);
    // RS waits for PM's answer, so that it could not be asked for the image.
    EXPECT_EQ(spawn(kRs, request_for(kImage)).error(), Error::Invalid);
    EXPECT_EQ(ask(parent, static_cast<PmCall>(kPmCallBase + 77), 0).outcome(), Error::NotImplemented);
}

TEST_F(Spawn, AnyThreadOfAProcessMayAsk) {
    const Endpoint second = system.add_thread(parent);
    const Endpoint child = spawn(second, request_for(kImage)).value();
    EXPECT_EQ(poll(parent, child).outcome, Error::Again);
    end(child, 3);
    EXPECT_EQ(poll(second, child).child.status, 3);
}

}  // namespace
}  // namespace shoal::pm::test
