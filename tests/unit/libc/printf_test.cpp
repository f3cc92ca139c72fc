// The printf family against the host's: fixed cases that are easily got wrong, then random formats and values.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <random>
#include <string>

#include "libc-min/include/stdio.h"
#include "tests/support/seed.hpp"

namespace {

#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"

// Ours with one format, the host's with another that means the same.
template <typename... Arguments>
void expect_same_as(const std::string& host_format, const std::string& format, Arguments... arguments) {
    std::string ours(4096, '#'), theirs(4096, '#');
    const int our_length =
        shoal::libc::snprintf(ours.data(), ours.size(), format.c_str(), arguments...);
    const int their_length =
        std::snprintf(theirs.data(), theirs.size(), host_format.c_str(), arguments...);
    ASSERT_EQ(our_length, their_length) << format << ": " << ours.c_str() << " | " << theirs.c_str();
    ASSERT_STREQ(ours.c_str(), theirs.c_str()) << format;
}

template <typename... Arguments>
void expect_same(const std::string& format, Arguments... arguments) {
    expect_same_as(format, format, arguments...);
}

// What prefix + precision + 'g' stands for (C11 7.21.6.1, 8) in terms of 'e' and 'f', for '#': some C libraries drop the zeros that it
// asks for when rounding reaches the next power of ten.
std::string general_with_zeros(const std::string& prefix, const std::string& precision, bool upper, double value) {
    const int asked = precision.empty() ? 6 : std::stoi(precision.substr(1));
    const int digits = asked == 0 ? 1 : asked;
    char text[64];
    std::snprintf(text, sizeof text, "%.*e", digits - 1, value);
    const int exponent = std::stoi(std::strchr(text, 'e') + 1);
    const bool fixed = exponent >= -4 && exponent < digits;
    const char specifier = fixed ? (upper ? 'F' : 'f') : (upper ? 'E' : 'e');
    return prefix + "." + std::to_string(fixed ? digits - 1 - exponent : digits - 1) + specifier;
}

class Printf : public ::testing::Test {
  protected:
    std::mt19937_64 random_{shoal::test::seed()};

    uint64_t below(uint64_t limit) { return random_() % limit; }
    std::string random_prefix() {
        std::string text = "%";
        for (char flag : std::string("-+ #0"))
            if (below(4) == 0) text += flag;
        if (below(2) == 0) text += std::to_string(below(40));
        return text;
    }
    std::string random_precision(uint64_t limit) {
        return below(2) == 0 ? "" : "." + std::to_string(below(limit));
    }
    double random_double() {
        switch (below(4)) {
            case 0: return std::bit_cast<double>(random_());
            case 1: return static_cast<double>(below(1'000'000)) / 1000;
            case 2: return static_cast<double>(static_cast<int64_t>(random_() >> below(64)));
            default: return std::ldexp(1.0, static_cast<int>(below(2100)) - 1075);
        }
    }
};

TEST_F(Printf, Integers) {
    for (long value : {0L, 1L, -1L, 42L, std::numeric_limits<long>::min(),
                       std::numeric_limits<long>::max()})
        for (const char* format : {"%ld", "%+ld", "% ld", "%08ld", "%-8ld|", "%.5ld", "%8.5ld",
                                   "%.0ld", "%lu", "%lx", "%#lX", "%#lo", "%#.0lo", "%lli", "%hhd",
                                   "%hd", "%d", "%u", "%zu", "%jd", "%td"})
            expect_same(format, value);
}

TEST_F(Printf, TextAndPointers) {
    expect_same("plain %% text");
    expect_same("%s|%10s|%-10s|%.2s|%10.1s", "abc", "def", "ghi", "jkl", "mno");
    expect_same("%c%5c%-5c|", 'a', 'b', 'c');
    expect_same("%p %20p %-20p|", static_cast<void*>(this), static_cast<void*>(nullptr),
                static_cast<void*>(this));
    expect_same("%*d|%-*d|%.*f|%*.*f", 7, 42, 7, 42, 3, 1.5, -9, -1, 2.5);
}

TEST_F(Printf, RoundingTies) {
    for (double value : {0.5, 1.5, 2.5, 0.125, 0.375, 1e23, 9.5, 99.5, 0.05, 0.25, 9.9999995,
                         999999.5, 0.0001, 0.00001, 0.000099999995, 123456.5, 1e-320, 5e-324,
                         1.7976931348623157e308, 0.0, -0.0})
        for (const char* format : {"%f", "%.0f", "%.1f", "%.2f", "%e", "%.0e", "%.17e", "%g",
                                   "%.0g", "%.1g", "%#g", "%.17g", "%#.0f", "%#.0e", "%G", "%.60f",
                                   "%.400f", "%+012.3f", "%-12.3f|", "% e"}) {
            // Some C libraries drop the zeros that '#' asks for when rounding reaches the next power of ten.
            if (value == 999999.5 && std::string(format) == "%#g") continue;
            expect_same(format, value);
        }
}

TEST_F(Printf, KeepsZerosAfterRoundingUp) {
    char text[32];
    shoal::libc::snprintf(text, sizeof text, "%#g", 999999.5);
    EXPECT_STREQ(text, "1.00000e+06");
}

TEST_F(Printf, SpecialValues) {
    const double infinity = std::numeric_limits<double>::infinity();
    const double nan = std::numeric_limits<double>::quiet_NaN();
    for (double value : {infinity, -infinity, nan})
        for (const char* format : {"%f", "%F", "%e", "%E", "%g", "%010f", "%-10f|", "%+f"})
            expect_same(format, value);
}

TEST_F(Printf, RandomIntegerFormats) {
    const std::string specifiers = "diuoxX";
    for (int i = 0; i < 200'000; ++i) {
        std::string format = random_prefix() + random_precision(30) + "l";
        format += specifiers[below(specifiers.size())];
        expect_same(format, random_() >> below(64));
        if (HasFatalFailure()) return;
    }
}

TEST_F(Printf, RandomFloatingFormats) {
    const std::string specifiers = "fFeEgG";
    for (int i = 0; i < 100'000; ++i) {
        const std::string prefix = random_prefix(), precision = random_precision(30);
        const char specifier = specifiers[below(specifiers.size())];
        const std::string format = prefix + precision + specifier;
        const double value = random_double();
        const bool general = specifier == 'g' || specifier == 'G';
        if (general && prefix.find('#') != std::string::npos && std::isfinite(value))
            expect_same_as(general_with_zeros(prefix, precision, specifier == 'G', value), format, value);
        else
            expect_same(format, value);
        if (HasFatalFailure()) return;
    }
}

TEST_F(Printf, SeventeenDigitsReadBackExactly) {
    for (int i = 0; i < 100'000; ++i) {
        const double value = std::bit_cast<double>(random_());
        if (!std::isfinite(value)) continue;
        char text[64];
        shoal::libc::snprintf(text, sizeof text, "%.17g", value);
        ASSERT_EQ(std::strtod(text, nullptr), value) << text;
    }
}

TEST_F(Printf, TruncatesAndCounts) {
    char text[5] = "####";
    EXPECT_EQ(shoal::libc::snprintf(text, sizeof text, "%s", "123456"), 6);
    EXPECT_STREQ(text, "1234");
    EXPECT_EQ(shoal::libc::snprintf(nullptr, 0, "%d", 12345), 5);
}

TEST_F(Printf, IntoMemoryWithoutALimit) {
    char text[64];
    EXPECT_EQ(shoal::libc::sprintf(text, "%s-%05d", "abc", 42), 9);
    EXPECT_STREQ(text, "abc-00042");
}

TEST_F(Printf, RefusesUnknownConversions) {
    char text[32];
    int written = 77;
    const std::string count = "ab%n", unknown = "%y", cut = "%";
    EXPECT_EQ(shoal::libc::snprintf(text, sizeof text, count.c_str(), &written), -1);
    EXPECT_EQ(written, 77);
    EXPECT_EQ(shoal::libc::snprintf(text, sizeof text, unknown.c_str()), -1);
    EXPECT_EQ(shoal::libc::snprintf(text, sizeof text, cut.c_str()), -1);
}

}  // namespace
