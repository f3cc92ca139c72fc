#include "boot/decode/command_line.hpp"

#include <cstring>

namespace shoal::boot {
namespace {

// A piece of the line; not NUL-terminated.
struct Text {
    const char* start;
    size_t length;

    template <size_t size>
    bool operator==(const char (&literal)[size]) const {
        return length == size - 1 && memcmp(start, literal, length) == 0;
    }
    template <size_t size>
    bool skip(const char (&prefix)[size]) {
        if (length < size - 1 || memcmp(start, prefix, size - 1) != 0) return false;
        start += size - 1;
        length -= size - 1;
        return true;
    }
    // The part before the separator, which is taken off; everything if there is none.
    Text take_until(char separator) {
        Text first{start, 0};
        while (first.length < length && start[first.length] != separator) ++first.length;
        const size_t taken = first.length < length ? first.length + 1 : first.length;
        start += taken;
        length -= taken;
        return first;
    }
};

int digit_of(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return 99;
}

// A whole number up to `limit`, decimal or 0x...
bool parse_number(Text text, uint32_t limit, uint32_t& value) {
    const int base = text.skip("0x") ? 16 : 10;
    uint64_t sum = 0;
    for (size_t i = 0; i < text.length; ++i) {
        const int digit = digit_of(text.start[i]);
        if (digit >= base) return false;
        sum = sum * static_cast<unsigned>(base) + static_cast<unsigned>(digit);
        if (sum > limit) return false;
    }
    value = static_cast<uint32_t>(sum);
    return text.length != 0;
}

template <typename Value>
struct Choice {
    Text name;
    Value value;
};
#define SHOAL_CHOICE(name, value) {{name, sizeof(name) - 1}, value}

template <typename Value, size_t count>
bool choose(Text text, const Choice<Value> (&choices)[count], Value& value) {
    for (const Choice<Value>& choice : choices) {
        if (choice.name.length != text.length || memcmp(choice.name.start, text.start, text.length) != 0)
            continue;
        value = choice.value;
        return true;
    }
    return false;
}

bool parse_console(Text text, smp::ConsoleOption& console) {
    using Kind = smp::ConsoleOption::Kind;
    static constexpr Choice<uint16_t> kPorts[] = {SHOAL_CHOICE("serial", 0), SHOAL_CHOICE("com1", 0x3f8),
                                                  SHOAL_CHOICE("com2", 0x2f8), SHOAL_CHOICE("com3", 0x3e8),
                                                  SHOAL_CHOICE("com4", 0x2e8)};
    if (text == "fb") {
        console = {.kind = Kind::Framebuffer};
        return true;
    }
    if (text == "none") {
        console = {.kind = Kind::None};
        return true;
    }
    smp::ConsoleOption asked{.kind = Kind::Serial};
    const Text device = text.take_until(',');
    uint32_t port = 0;
    if (!choose(device, kPorts, asked.port)) {
        if (!parse_number(device, 0xfff8, port) || port == 0) return false;
        asked.port = static_cast<uint16_t>(port);
    }
    if (text.length != 0 && (!parse_number(text, 115200, asked.baud) || asked.baud < 50)) return false;
    console = asked;
    return true;
}

bool parse_end(Text text, smp::EndAction& end) {
    using smp::EndAction;
    static constexpr Choice<EndAction> kActions[] = {
        SHOAL_CHOICE("poweroff", EndAction::PowerOff), SHOAL_CHOICE("reboot", EndAction::Reboot),
        SHOAL_CHOICE("wait", EndAction::Wait), SHOAL_CHOICE("qemu", EndAction::Qemu)};
    return choose(text, kActions, end);
}

bool parse_clock(Text text, smp::ClockChoice& clock) {
    using smp::ClockChoice;
    static constexpr Choice<ClockChoice> kClocks[] = {SHOAL_CHOICE("tsc", ClockChoice::Tsc),
                                                      SHOAL_CHOICE("hpet", ClockChoice::Hpet),
                                                      SHOAL_CHOICE("pm", ClockChoice::PmTimer)};
    return choose(text, kClocks, clock);
}

bool parse_log(Text text, smp::LogLevel& log) {
    using smp::LogLevel;
    static constexpr Choice<LogLevel> kLevels[] = {
        SHOAL_CHOICE("error", LogLevel::Error), SHOAL_CHOICE("warning", LogLevel::Warning),
        SHOAL_CHOICE("info", LogLevel::Info), SHOAL_CHOICE("debug", LogLevel::Debug)};
    return choose(text, kLevels, log);
}

bool parse_self_test(Text text, smp::SelfTest& test) {
    using smp::SelfTest;
    static constexpr Choice<SelfTest> kTests[] = {SHOAL_CHOICE("late-cpu", SelfTest::LateCpu),
                                                  SHOAL_CHOICE("stack", SelfTest::StackOverflow)};
    return choose(text, kTests, test);
}

bool parse_ipc(Text text, bool& by_interrupt) {
    static constexpr Choice<bool> kEntries[] = {SHOAL_CHOICE("trap", true), SHOAL_CHOICE("syscall", false)};
    return choose(text, kEntries, by_interrupt);
}

// True if the word was understood or is not ours.
bool parse_word(Text word, smp::BootOptions& options) {
    if (word.skip("console=")) return parse_console(word, options.console);
    if (word.skip("end=")) return parse_end(word, options.end);
    if (word.skip("clock=")) return parse_clock(word, options.clock);
    if (word.skip("log=")) return parse_log(word, options.log);
    if (word.skip("ipc=")) return parse_ipc(word, options.trap_by_interrupt);
    if (word.skip("selftest=")) return parse_self_test(word, options.self_test);
    if (word.skip("maxcpus="))
        return parse_number(word, kMaxCpus, options.max_cpus) && options.max_cpus != 0;
    if (word == "selftest") options.self_test = smp::SelfTest::Machine;
    if (word == "nox2apic") options.x2apic = false;
    if (word == "nopcid") options.pcid = false;
    if (word == "notscdeadline") options.tsc_deadline = false;
    if (word == "nosmap") options.smap = false;
    if (word == "noxsave") options.xsave = false;
    if (word == "nofsgsbase") options.fsgsbase = false;
    return true;
}

bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

void remember(Text word, BadWords& bad) {
    BadWord entry{};
    const size_t most = sizeof entry.text - 1;
    memcpy(entry.text, word.start, word.length < most ? word.length : most);
    bad.push(entry);
}

}  // namespace

void parse_command_line(const char* line, smp::BootOptions& options, BadWords& bad) {
    for (const char* at = line; *at != '\0';) {
        if (is_blank(*at)) {
            ++at;
            continue;
        }
        Text word{at, 0};
        while (*at != '\0' && !is_blank(*at)) ++at, ++word.length;
        if (!parse_word(word, options)) remember(word, bad);
    }
}

bool append_to_line(char* line, size_t capacity, const char* more, size_t more_bytes) {
    size_t length = 0;
    while (line[length] != '\0') ++length;
    if (length != 0 && length + 1 < capacity) line[length++] = ' ';
    size_t i = 0;
    while (i < more_bytes && more[i] != '\0' && length + 1 < capacity) line[length++] = more[i++];
    line[length] = '\0';
    return i == more_bytes || more[i] == '\0';
}

}  // namespace shoal::boot
