// What RS answers while the program runs, and how the program's end becomes the system's.
#include <gtest/gtest.h>

#include <cstring>

#include "abi/pm_calls.hpp"
#include "servers/rs/server.hpp"
#include "tests/unit/rs/fake_system.hpp"

namespace shoal::rs::test {
namespace {

class Service : public testing::Test {
  protected:
    Service() { server.start(); }

    static Message message_of(Endpoint source, RsCall call) {
        Message message;
        message.set_type(static_cast<uint32_t>(call));
        message.set_source(source);
        return message;
    }
    static Message lookup(const std::string& name) {
        Message message = message_of(kPm, RsCall::Lookup);
        std::memcpy(&message.words[1], name.data(), name.size());
        return message;
    }
    Error done(Endpoint child, int64_t status) {
        Message message = message_of(kPm, RsCall::Done);
        message.words[1] = static_cast<uint64_t>(status);
        message.words[2] = child.raw();
        testing::internal::CaptureStdout();
        const Error outcome = server.handle(message);
        printed = testing::internal::GetCapturedStdout();
        return outcome;
    }

    FakeSystem system{"rs.program=hello"};
    Server server{system.image};
    std::string printed;
};

TEST_F(Service, LooksImagesUpByName) {
    Message message = lookup("hello");
    ASSERT_EQ(server.handle(message), Error::None);
    EXPECT_EQ(message.words[1], FakeSystem::start_of(2).raw());
    EXPECT_EQ(message.words[2], FakeSystem::kImageBytes);
    EXPECT_EQ(message.words[3], ProcessId::of(kRsSlot, 1).raw());
}

TEST_F(Service, DoesNotFindWhatIsNotThereOrGivenBack) {
    for (const char* name : {"absent", "hell", "helloo", "", "pm", "nnnnnnnnnnnnnnnnnnnnnnnn"}) {
        Message message = lookup(name);
        EXPECT_EQ(server.handle(message), Error::NoEntry) << name;
    }
}

TEST_F(Service, AnswersPmOnly) {
    for (const Endpoint asker : {kRs, FakeSystem::kProgram, Endpoint::of(kPmSlot, 2)}) {
        for (const RsCall call : {RsCall::Lookup, RsCall::Done}) {
            Message message = message_of(asker, call);
            message.words[2] = FakeSystem::kProgram.raw();
            EXPECT_EQ(server.handle(message), Error::CallDenied);
        }
    }
    EXPECT_FALSE(server.ended().has_value()) << "a forged end was believed";
    Message unknown = message_of(kPm, static_cast<RsCall>(kRsCallBase + 99));
    EXPECT_EQ(server.handle(unknown), Error::NotImplemented);
}

TEST_F(Service, OrphansEndWithoutAWord) {
    EXPECT_EQ(done(Endpoint::of(7, 7), 3), Error::DoNotReply);
    EXPECT_EQ(printed, "");
    EXPECT_FALSE(server.ended().has_value());
}

TEST_F(Service, TheProgramsStatusIsTheSystems) {
    EXPECT_EQ(done(FakeSystem::kProgram, 42), Error::DoNotReply);
    EXPECT_EQ(printed, "shoal: program hello status 42\n");
    EXPECT_EQ(server.ended(), 42);
    EXPECT_EQ(system.log.back(), "audit");
}

TEST_F(Service, FaultsInVmsBooksFailARunThatSucceeded) {
    system.audit_faults = 3;
    (void)done(FakeSystem::kProgram, 0);
    EXPECT_NE(printed.find("rs: VM's audit found 3 faults\n"), std::string::npos);
    EXPECT_EQ(server.ended(), kAuditFailed);
}

TEST_F(Service, FaultsInVmsBooksDoNotHideAFailure) {
    system.audit_faults = 1;
    (void)done(FakeSystem::kProgram, kFaultedStatus);
    EXPECT_EQ(server.ended(), kFaultedStatus);
}

}  // namespace
}  // namespace shoal::rs::test
