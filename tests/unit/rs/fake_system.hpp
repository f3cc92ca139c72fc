// FakeSystem: the kernel, VM and PM as RS sees them (servers/rs/platform), and the boot image that VM leaves. It writes down
// what RS does, in order.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "abi/boot_info.hpp"
#include "servers/rs/platform/platform.hpp"

namespace shoal::rs::test {

enum class Step : uint8_t { Space, Load, Start, Spawn, Unmap };

class FakeSystem {
  public:
    // A boot image with a "pm" and these programs.
    explicit FakeSystem(const std::string& command_line, const std::vector<std::string>& programs = {"faults", "hello"});
    ~FakeSystem();
    FakeSystem(const FakeSystem&) = delete;
    FakeSystem& operator=(const FakeSystem&) = delete;
    static FakeSystem& instance();

    // The next such call fails, once.
    void fail_next(Step step, Error error) { failure_ = {step, error}; }
    std::optional<Error> failure_at(Step step);
    void note(const std::string& what) { log.push_back(what); }

    BootImage image{};
    std::vector<std::string> log;
    std::vector<std::string> program_arguments;
    uint64_t program_bytes = 0;
    uint64_t audit_faults = 0;

    static constexpr Endpoint kProgram = Endpoint::of(20, 3);
    static constexpr uint64_t kImageBytes = 5000;
    static constexpr VirtualAddress start_of(uint64_t index) { return VirtualAddress{0x7100'0000 + index * 0x1'0000}; }

  private:
    void add(const std::string& name);
    std::optional<std::pair<Step, Error>> failure_;
};

}  // namespace shoal::rs::test
