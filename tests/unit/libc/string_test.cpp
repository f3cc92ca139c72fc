// String and memory functions against the host's, at random places, lengths and overlaps.
#include <gtest/gtest.h>

#include <cctype>
#include <cerrno>
#include <cstring>
#include <random>
#include <string>
#include <thread>

#include "base/error.hpp"
#include "libc-min/include/ctype.h"
#include "libc-min/include/stdlib.h"
#include "libc-min/include/string.h"
#include "tests/support/seed.hpp"

namespace {

namespace ours = shoal::libc;

int sign(int value) { return (value > 0) - (value < 0); }

class Strings : public ::testing::Test {
  protected:
    std::mt19937_64 random_{shoal::test::seed()};
    size_t below(size_t limit) { return random_() % limit; }
    std::string random_text(size_t limit, size_t letters) {
        std::string text(below(limit), ' ');
        for (char& c : text) c = static_cast<char>('a' + below(letters));
        return text;
    }
};

TEST_F(Strings, MemoryFunctionsAtAnyPlaceAndOverlap) {
    for (int i = 0; i < 100'000; ++i) {
        std::string mine = random_text(700, 26);
        mine.resize(700, 'z');
        std::string theirs = mine;
        const size_t bytes = below(300), from = below(400), to = below(400);
        switch (below(3)) {
            case 0:
                ours::memmove(mine.data() + to, mine.data() + from, bytes);
                std::memmove(theirs.data() + to, theirs.data() + from, bytes);
                break;
            case 1:
                ours::memset(mine.data() + to, static_cast<int>(from), bytes);
                std::memset(theirs.data() + to, static_cast<int>(from), bytes);
                break;
            default:
                if (from + bytes > to && to + bytes > from) continue;
                ours::memcpy(mine.data() + to, mine.data() + from, bytes);
                std::memcpy(theirs.data() + to, theirs.data() + from, bytes);
        }
        ASSERT_EQ(mine, theirs) << from << " " << to << " " << bytes;
        ASSERT_EQ(sign(ours::memcmp(mine.data() + from, mine.data() + to, bytes)),
                  sign(std::memcmp(mine.data() + from, mine.data() + to, bytes)));
    }
}

TEST_F(Strings, SearchesAndComparisons) {
    for (int i = 0; i < 100'000; ++i) {
        const std::string a = random_text(12, 3), b = random_text(4, 3);
        const size_t limit = below(14);
        const int c = static_cast<int>('a' + below(4)) * (below(8) != 0);
        ASSERT_EQ(ours::strlen(a.c_str()), a.size());
        ASSERT_EQ(ours::strnlen(a.c_str(), limit), strnlen(a.c_str(), limit));
        ASSERT_EQ(sign(ours::strcmp(a.c_str(), b.c_str())), sign(std::strcmp(a.c_str(), b.c_str())));
        ASSERT_EQ(sign(ours::strncmp(a.c_str(), b.c_str(), limit)),
                  sign(std::strncmp(a.c_str(), b.c_str(), limit)));
        ASSERT_EQ(ours::strchr(a.c_str(), c), std::strchr(a.c_str(), c));
        ASSERT_EQ(ours::strrchr(a.c_str(), c), std::strrchr(a.c_str(), c));
        ASSERT_EQ(ours::strstr(a.c_str(), b.c_str()), std::strstr(a.c_str(), b.c_str()));
        ASSERT_EQ(ours::strspn(a.c_str(), b.c_str()), std::strspn(a.c_str(), b.c_str()));
        ASSERT_EQ(ours::strcspn(a.c_str(), b.c_str()), std::strcspn(a.c_str(), b.c_str()));
        ASSERT_EQ(ours::strpbrk(a.c_str(), b.c_str()), std::strpbrk(a.c_str(), b.c_str()));
        ASSERT_EQ(ours::memchr(a.c_str(), c, a.size()), std::memchr(a.c_str(), c, a.size()));
    }
}

TEST_F(Strings, CopiesAndTokens) {
    for (int i = 0; i < 50'000; ++i) {
        const std::string text = random_text(20, 4), separators = random_text(3, 4);
        char mine[64] = {}, theirs[64] = {};
        const size_t bytes = below(30);
        ours::strncpy(mine, text.c_str(), bytes);
        std::strncpy(theirs, text.c_str(), bytes);
        ASSERT_EQ(std::memcmp(mine, theirs, sizeof mine), 0);
        std::memset(mine, 0, sizeof mine), std::memset(theirs, 0, sizeof theirs);
        ours::strcat(ours::strcpy(mine, text.c_str()), separators.c_str());
        std::strcat(std::strcpy(theirs, text.c_str()), separators.c_str());
        ours::strncat(mine, text.c_str(), bytes), std::strncat(theirs, text.c_str(), bytes);
        ASSERT_STREQ(mine, theirs);
        char *my_rest = nullptr, *their_rest = nullptr;
        char* my_token = ours::strtok_r(mine, separators.c_str(), &my_rest);
        char* their_token = strtok_r(theirs, separators.c_str(), &their_rest);
        while (my_token != nullptr && their_token != nullptr) {
            ASSERT_STREQ(my_token, their_token);
            my_token = ours::strtok_r(nullptr, separators.c_str(), &my_rest);
            their_token = strtok_r(nullptr, separators.c_str(), &their_rest);
        }
        ASSERT_EQ(my_token == nullptr, their_token == nullptr);
    }
}

TEST_F(Strings, DuplicatesAreTheCallersOwn) {
    for (const std::string& text : {std::string(), std::string("a"), random_text(2000, 26)}) {
        char* copy = ours::strdup(text.c_str());
        EXPECT_EQ(copy, text);
        EXPECT_NE(copy, text.c_str());
        ours::free(copy);
        char* part = ours::strndup(text.c_str(), text.size() / 2);
        EXPECT_EQ(part, text.substr(0, text.size() / 2));
        ours::free(part);
    }
}

TEST_F(Strings, CollateAsTheyCompare) {
    for (int i = 0; i < 10'000; ++i) {
        const std::string a = random_text(8, 3), b = random_text(8, 3);
        char a_key[16], b_key[16];
        ASSERT_EQ(ours::strxfrm(a_key, a.c_str(), sizeof a_key), a.size());
        (void)ours::strxfrm(b_key, b.c_str(), sizeof b_key);
        ASSERT_EQ(sign(ours::strcoll(a.c_str(), b.c_str())), sign(ours::strcmp(a_key, b_key)));
    }
}

TEST_F(Strings, TokensWithTheThreadsOwnState) {
    char text[] = "a,,b;c";
    EXPECT_STREQ(ours::strtok(text, ",;"), "a");
    std::thread([] {
        char other[] = "x y";
        EXPECT_STREQ(ours::strtok(other, " "), "x");
        EXPECT_STREQ(ours::strtok(nullptr, " "), "y");
    }).join();
    EXPECT_STREQ(ours::strtok(nullptr, ",;"), "b");
    EXPECT_STREQ(ours::strtok(nullptr, ",;"), "c");
    EXPECT_EQ(ours::strtok(nullptr, ",;"), nullptr);
}

TEST_F(Strings, EveryErrorHasItsText) {
#define EXPECT_TEXT(name, number, text) EXPECT_STREQ(ours::strerror(number), text);
    SHOAL_ERRORS(EXPECT_TEXT)
#undef EXPECT_TEXT
    for (const int number : {EDOM, EILSEQ, EOVERFLOW}) EXPECT_STRNE(ours::strerror(number), ours::strerror(9999));
    EXPECT_STREQ(ours::strerror(0), "success");
    EXPECT_STREQ(ours::strerror(-1), "unknown error");
}

TEST_F(Strings, BoundedCopyAlwaysEnds) {
    char small[4];
    EXPECT_EQ(ours::strlcpy(small, "abcdef", sizeof small), 6u);
    EXPECT_STREQ(small, "abc");
    EXPECT_EQ(ours::strlcpy(small, "abcdef", 0), 6u);
}

TEST_F(Strings, CharacterClasses) {
#define EXPECT_SAME_CLASS(function) \
    EXPECT_EQ(ours::function(c) != 0, std::function(c) != 0) << #function << " " << c
    for (int c = -1; c < 256; ++c) {
        EXPECT_SAME_CLASS(isalnum);
        EXPECT_SAME_CLASS(isalpha);
        EXPECT_SAME_CLASS(isblank);
        EXPECT_SAME_CLASS(iscntrl);
        EXPECT_SAME_CLASS(isdigit);
        EXPECT_SAME_CLASS(isgraph);
        EXPECT_SAME_CLASS(islower);
        EXPECT_SAME_CLASS(isprint);
        EXPECT_SAME_CLASS(ispunct);
        EXPECT_SAME_CLASS(isspace);
        EXPECT_SAME_CLASS(isupper);
        EXPECT_SAME_CLASS(isxdigit);
        EXPECT_EQ(ours::tolower(c), std::tolower(c));
        EXPECT_EQ(ours::toupper(c), std::toupper(c));
    }
#undef EXPECT_SAME_CLASS
}

}  // namespace
