// PM over the model of its system, and what programs ask it for.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "servers/pm/server.hpp"
#include "tests/unit/pm/fake_system.hpp"

namespace shoal::pm::test {

inline constexpr const char* kImage = "program";

// A valid request for the image that the fixture has stored; tests change it.
inline SpawnRequest request_for(const char* name, const std::string& arguments = std::string("program\0", 8)) {
    SpawnRequest request{};
    std::strncpy(request.name, name, sizeof request.name - 1);
    request.cpu = 1;
    std::memcpy(request.arguments, arguments.data(), arguments.size());
    request.argument_bytes = arguments.size();
    for (const char c : arguments) request.argument_count += c == '\0' ? 1 : 0;
    return request;
}

struct Waited {
    Error outcome;
    EndedProcess child;
};

class Pm : public testing::Test {
  protected:
    Pm() {
        system.store_image(kImage, {ProcessId::of(kRsSlot, 1), VirtualAddress{0x1000}, 8192});
        EXPECT_TRUE(server.initialise(FakeSystem::kProcessSlots, FakeSystem::kThreadSlots).ok());
    }
    ~Pm() override {
        for (const std::string& what : system.mistakes) ADD_FAILURE() << what;
    }

    Result<Endpoint> spawn(Endpoint asker, const SpawnRequest& request) {
        Message message = ask(asker, PmCall::Spawn, reinterpret_cast<uint64_t>(&request));
        if (message.outcome() != Error::None) return message.outcome();
        return Endpoint{static_cast<uint32_t>(message.words[1])};
    }
    // A child of `asker`; the first process is RS's own, whose image lies in its memory.
    Endpoint spawn(Endpoint asker) {
        SpawnRequest request = request_for(asker == kRs ? "" : kImage);
        request.image = VirtualAddress{0x2000};
        request.image_bytes = 4096;
        return spawn(asker, request).release();
    }

    // outcome DoNotReply: it waits now.
    Waited wait(Endpoint asker, Endpoint wanted = kAny, bool poll = false) {
        const Message message = ask(asker, PmCall::Wait, wanted.raw(), poll ? 1 : 0);
        return {message.outcome(), {Endpoint{static_cast<uint32_t>(message.words[1])}, static_cast<int64_t>(message.words[2])}};
    }
    Waited poll(Endpoint asker, Endpoint wanted = kAny) { return wait(asker, wanted, true); }
    Error kill(Endpoint asker, Endpoint target) { return ask(asker, PmCall::Kill, target.raw()).outcome(); }

    void end(Endpoint process, int64_t status) {
        system.stop(process, status);
        server.collect_stopped();
    }

    Message ask(Endpoint asker, PmCall call, uint64_t word1, uint64_t word2 = 0) {
        Message message;
        message.set_type(static_cast<uint32_t>(call));
        message.set_source(asker);
        message.words[1] = word1;
        message.words[2] = word2;
        message.set_outcome(server.handle(message));
        return message;
    }

    FakeSystem system;
    Server server;
};

}  // namespace shoal::pm::test
