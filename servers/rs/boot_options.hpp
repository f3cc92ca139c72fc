// What the boot line asks RS for: words of the form name=value.
#pragma once

#include <cstddef>
#include <span>

namespace shoal::rs {

// The program to run: rs.program=NAME, else bench=NAME, else "faults"; rs.args=A,B,.. are its arguments behind its own name.
class BootOptions {
  public:
    explicit BootOptions(const char* command_line);

    [[nodiscard]] const char* program() const { return program_; }
    // argv: the program first.
    [[nodiscard]] std::span<const char* const> arguments() const { return {arguments_, count_}; }

  private:
    static constexpr size_t kMaxLine = 512, kMaxArguments = 32;
    void take_word(char* word);
    void split_arguments();

    char line_[kMaxLine] = {};
    const char* program_ = "faults";
    bool program_named_ = false;  // rs.program= wins over bench=
    char* list_ = nullptr;
    const char* arguments_[kMaxArguments];
    size_t count_ = 0;
};

}  // namespace shoal::rs
