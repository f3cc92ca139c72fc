#include "servers/rs/boot_options.hpp"

#include <string.h>

namespace shoal::rs {
namespace {

// The value if the word is name=value.
char* value_of(char* word, const char* name) {
    const size_t length = strlen(name);
    return strncmp(word, name, length) == 0 && word[length] == '=' ? word + length + 1 : nullptr;
}

}  // namespace

namespace {

ProgramRole role_named(const char* name) {
    if (strcmp(name, "manager") == 0) return ProgramRole::ProcessManager;
    if (strcmp(name, "driver") == 0) return ProgramRole::Driver;
    return strcmp(name, "fileserver") == 0 ? ProgramRole::FileServer : ProgramRole::User;
}

}  // namespace

BootOptions::BootOptions(const char* command_line) {
    strncpy(line_, command_line, sizeof line_ - 1);
    char* rest = nullptr;
    for (char* word = strtok_r(line_, " ", &rest); word != nullptr;
         word = strtok_r(nullptr, " ", &rest))
        take_word(word);
    split_arguments();
}

void BootOptions::take_word(char* word) {
    if (const char* name = value_of(word, "rs.program"); name != nullptr) {
        program_ = name;
        program_named_ = true;
    } else if (const char* bench = value_of(word, "bench"); bench != nullptr && !program_named_) {
        program_ = bench;
    } else if (char* list = value_of(word, "rs.args"); list != nullptr) {
        list_ = list;
    } else if (const char* role = value_of(word, "rs.role"); role != nullptr) {
        role_ = role_named(role);
    }
}

void BootOptions::split_arguments() {
    arguments_[count_++] = program_;
    char* rest = list_;
    if (list_ == nullptr) return;
    for (char* word = strtok_r(list_, ",", &rest); word != nullptr && count_ < kMaxArguments;
         word = strtok_r(nullptr, ",", &rest))
        arguments_[count_++] = word;
}

}  // namespace shoal::rs
