// What the boot line asks RS for: words of the form name=value.
#pragma once

#include <cstddef>
#include <span>

#include "abi/pm_calls.hpp"

namespace shoal::rs {

// The program to run: rs.program=NAME, else bench=NAME, else "faults"; rs.args=A,B,.. are its arguments behind its own name;
// rs.role=manager lets it make processes and spaces by itself, which programs that drive kernel and VM need;
// rs.role=driver lets it map devices' memory.
class BootOptions {
  public:
    explicit BootOptions(const char* command_line);

    [[nodiscard]] const char* program() const { return program_; }
    [[nodiscard]] ProgramRole role() const { return role_; }
    // argv: the program first.
    [[nodiscard]] std::span<const char* const> arguments() const { return {arguments_, count_}; }

  private:
    static constexpr size_t kMaxLine = 512, kMaxArguments = 32;
    void take_word(char* word);
    void split_arguments();

    char line_[kMaxLine] = {};
    const char* program_ = "faults";
    bool program_named_ = false;  // rs.program= wins over bench=
    ProgramRole role_ = ProgramRole::User;
    char* list_ = nullptr;
    const char* arguments_[kMaxArguments];
    size_t count_ = 0;
};

}  // namespace shoal::rs
