// String and memory functions at the end and at the start of what they may touch: pages beside it belong to nobody.
#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "libc-min/include/stdio.h"
#include "libc-min/include/stdlib.h"
#include "libc-min/include/string.h"
#include "tests/support/seed.hpp"
#include "tests/unit/libc/guard_page.hpp"

namespace {

namespace ours = shoal::libc;
using shoal::test::GuardedPage;

constexpr size_t kLongest = 300;  // beyond where copies change to string instructions

class PageEnd : public testing::Test {
  protected:
    // Letters without 'z', which searches look for in vain.
    std::string text_of(size_t length) {
        std::string text(length, ' ');
        for (char& c : text) c = static_cast<char>('a' + random_() % 25);
        return text;
    }
    template <typename Check>
    void for_each_length(Check check) {
        for (size_t length = 0; length <= kLongest; ++length) {
            check(length);
            if (HasFatalFailure()) return;
        }
    }
    std::mt19937_64 random_{shoal::test::seed()};
    GuardedPage page_, other_;
};

TEST_F(PageEnd, BlocksAreCopiedAndSetToTheirLastByte) {
    for_each_length([&](size_t bytes) {
        const std::string text = text_of(bytes);
        for (const bool at_end : {true, false}) {
            char* from = at_end ? page_.last(bytes) : page_.start();
            char* to = at_end ? other_.last(bytes) : other_.start();
            std::memcpy(from, text.data(), bytes);
            ASSERT_EQ(ours::memcpy(to, from, bytes), to);
            ASSERT_EQ(std::memcmp(to, text.data(), bytes), 0);
            ASSERT_EQ(ours::memcmp(to, from, bytes), 0);
            ASSERT_EQ(ours::memchr(from, 'z', bytes), nullptr);
            ASSERT_EQ(ours::memset(to, 7, bytes), to);
            for (size_t i = 0; i < bytes; ++i) ASSERT_EQ(to[i], 7);
        }
    });
}

TEST_F(PageEnd, BlocksMoveWithinTheirPage) {
    for_each_length([&](size_t bytes) {
        const std::string text = text_of(bytes);
        const size_t distance = random_() % (kLongest + 1);
        char *const low = page_.last(bytes + distance), *const high = page_.last(bytes);
        std::memcpy(low, text.data(), bytes);
        ours::memmove(high, low, bytes);
        ASSERT_EQ(std::memcmp(high, text.data(), bytes), 0) << "up by " << distance;
        ours::memmove(low, high, bytes);
        ASSERT_EQ(std::memcmp(low, text.data(), bytes), 0) << "down by " << distance;
    });
}

TEST_F(PageEnd, StringsAreReadToTheirNul) {
    for_each_length([&](size_t length) {
        const std::string text = text_of(length);
        const char *one = page_.put_last(text), *same = other_.put_last(text);
        ASSERT_EQ(ours::strlen(one), length);
        ASSERT_EQ(ours::strnlen(one, kLongest * 2), length);
        ASSERT_EQ(ours::strcmp(one, same), 0);
        ASSERT_EQ(ours::strncmp(one, same, kLongest * 2), 0);
        ASSERT_EQ(ours::strchr(one, 'z'), nullptr);
        ASSERT_EQ(ours::strchr(one, '\0'), one + length);
        ASSERT_EQ(ours::strrchr(one, 'z'), nullptr);
        ASSERT_EQ(ours::strstr(one, "zz"), nullptr);
        ASSERT_EQ(ours::strstr(one, same), one);
        ASSERT_EQ(ours::strspn(one, "abcdefghijklmnopqrstuvwxy"), length);
        ASSERT_EQ(ours::strcspn(one, "z"), length);
        ASSERT_EQ(ours::strpbrk(one, "z"), nullptr);
    });
}

TEST_F(PageEnd, LimitedFunctionsNeedNoNul) {
    for_each_length([&](size_t length) {
        const std::string text = text_of(length);
        const char *one = page_.put_unended(text), *same = other_.put_unended(text);
        ASSERT_EQ(ours::strnlen(one, length), length);
        ASSERT_EQ(ours::strncmp(one, same, length), 0);
        char copy[kLongest + 1] = {};
        ours::strncpy(copy, one, length);
        ASSERT_EQ(copy, text);
        copy[0] = '\0';
        ours::strncat(copy, one, length);
        ASSERT_EQ(copy, text);
        char* duplicate = ours::strndup(one, length);
        ASSERT_EQ(duplicate, text);
        ours::free(duplicate);
        char printed[kLongest + 1];
        ASSERT_EQ(ours::snprintf(printed, sizeof printed, "%.*s", static_cast<int>(length), one), static_cast<int>(length));
        ASSERT_EQ(printed, text);
    });
}

TEST_F(PageEnd, StringsAreWrittenToTheirNul) {
    for_each_length([&](size_t length) {
        const std::string text = text_of(length), head = text.substr(0, length / 2), tail = text.substr(length / 2);
        char* to = page_.last(length + 1);
        ASSERT_EQ(ours::strcpy(to, text.c_str()), to);
        ASSERT_EQ(to, text);
        ours::strcpy(to, head.c_str());
        ours::strcat(to, tail.c_str());
        ASSERT_EQ(to, text);
        ours::strcpy(to, head.c_str());
        ours::strncat(to, (tail + "more").c_str(), tail.size());
        ASSERT_EQ(to, text);
        ASSERT_EQ(ours::strlcpy(to, (text + "more").c_str(), length + 1), length + 4);
        ASSERT_EQ(to, text);
        ASSERT_EQ(ours::snprintf(to, length + 1, "%s%s", text.c_str(), "more"), static_cast<int>(length) + 4);
        ASSERT_EQ(to, text);
        ours::strncpy(page_.last(length), text.c_str(), length);
        ASSERT_EQ(std::memcmp(page_.last(length), text.data(), length), 0);
    });
}

}  // namespace
