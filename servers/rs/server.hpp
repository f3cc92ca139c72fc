// RS: starts the servers in order, then the program that the boot line asks for; serves images by name; has ended when that
// program has. One thread; its loop is main.cpp. It asks PM for nothing once the program runs: PM sends to it and must not
// meet it waiting.
#pragma once

#include <optional>

#include "abi/boot_info.hpp"
#include "abi/endpoint.hpp"
#include "abi/message.hpp"
#include "base/result.hpp"
#include "servers/rs/boot_image.hpp"
#include "servers/rs/boot_options.hpp"

namespace shoal::rs {

inline constexpr int64_t kCannotStart = 127;  // as a shell answers where there is no such program
inline constexpr int64_t kAuditFailed = 71;

class Server {
  public:
    explicit Server(const BootImage& image) : images_(image), options_(images_.command_line()) {}

    // Servers, then the program. If one does not start: a line that says why, and the system has ended.
    void start();
    // A message, turned into its answer but for the outcome, which is returned. DoNotReply: it wants none.
    Error handle(Message& message);

    // The status with which the system shall end, once it shall.
    [[nodiscard]] std::optional<int64_t> ended() const { return ended_; }

  private:
    bool start_servers();
    Result<void> start_program();
    void report_missing_program(Error reason) const;
    Error look_up(Message& message) const;
    void child_ended(const Message& message);
    void end_with(int64_t status);

    BootImages images_;
    BootOptions options_;
    Endpoint program_ = kNone;
    std::optional<int64_t> ended_;
};

}  // namespace shoal::rs
