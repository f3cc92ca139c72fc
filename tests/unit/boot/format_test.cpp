#include "kernel/smp/console/format.hpp"

#include <gtest/gtest.h>

#include <climits>
#include <cstdarg>

namespace shoal::smp {
namespace {

[[gnu::format(printf, 1, 2)]] std::string ours(const char* pattern, ...) {
    char buffer[200];
    va_list arguments;
    va_start(arguments, pattern);
    const size_t length = format_to(buffer, sizeof buffer, pattern, arguments);
    va_end(arguments);
    EXPECT_EQ(length, strlen(buffer));
    return buffer;
}

// Held against the host's printf.
#define EXPECT_SAME(...)                                   \
    do {                                                   \
        char host[200];                                    \
        snprintf(host, sizeof host, __VA_ARGS__);          \
        EXPECT_EQ(ours(__VA_ARGS__), host);                \
    } while (false)

TEST(Format, AgreesWithTheHost) {
    EXPECT_SAME("plain %% text");
    EXPECT_SAME("%d %i %u", -5, 7, 4'000'000'000u);
    EXPECT_SAME("%ld %ld %lu", LONG_MIN, LONG_MAX, ULONG_MAX);
    EXPECT_SAME("%lld %llu %zu", LLONG_MIN, ULLONG_MAX, sizeof(int));
    EXPECT_SAME("%x %08x %016lx %lx", 0xbeefu, 0xbeefu, 0xdeadbeeful, 0ul);
    EXPECT_SAME("[%5d] [%-5d] [%05d] [%05d]", 42, 42, 42, -42);
    EXPECT_SAME("[%8s] [%-8s] [%s]", "abc", "abc", "");
    EXPECT_SAME("%.3s %.*s", "abcdef", 2, "xyz");
    EXPECT_SAME("%c%c", 'o', 'k');
    EXPECT_SAME("%d %d", INT_MIN, INT_MAX);
}

TEST(Format, PrintsPointersAndNullStrings) {
    EXPECT_EQ(ours("%p", reinterpret_cast<void*>(0x1234)), "0x1234");
    const char* volatile none = nullptr;
    EXPECT_EQ(ours("%s", none), "(null)");
}

TEST(Format, CutsAtTheCapacity) {
    char buffer[8];
    const auto cut = [&](const char* pattern, ...) {
        va_list arguments;
        va_start(arguments, pattern);
        const size_t length = format_to(buffer, sizeof buffer, pattern, arguments);
        va_end(arguments);
        return length;
    };
    EXPECT_EQ(cut("%s", "0123456789"), 7u);
    EXPECT_STREQ(buffer, "0123456");
    EXPECT_EQ(cut("12345%d", 6789), 7u);
}

}  // namespace
}  // namespace shoal::smp
