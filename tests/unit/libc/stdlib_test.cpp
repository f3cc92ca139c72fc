// Numbers from text and sorting, against the host's.
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "libc-min/include/stdlib.h"
#include "tests/support/seed.hpp"

namespace shoal::libc {
int* shoal_errno();
}

namespace {

namespace ours = shoal::libc;

template <typename Ours, typename Theirs>
void expect_same_parse(const std::string& text, int base, Ours our_parse, Theirs their_parse) {
    char *our_end = nullptr, *their_end = nullptr;
    *ours::shoal_errno() = 0;
    errno = 0;
    const auto mine = our_parse(text.c_str(), &our_end, base);
    const auto theirs = their_parse(text.c_str(), &their_end, base);
    ASSERT_EQ(mine, theirs) << '"' << text << "\" base " << base;
    if (errno != EINVAL) {
        ASSERT_EQ(our_end, their_end) << '"' << text << "\" base " << base;
    }
    ASSERT_EQ(*ours::shoal_errno() == ERANGE, errno == ERANGE) << text << " base " << base;
}

TEST(Numbers, RandomTexts) {
    std::mt19937_64 random(shoal::test::seed());
    const std::string letters = "00123456789abcfxXzZ+- \t-9999";
    for (int i = 0; i < 300'000; ++i) {
        std::string text(random() % 24, ' ');
        for (char& c : text) c = letters[random() % letters.size()];
        const int bases[] = {0, 2, 8, 10, 16, 36, 10, 16};
        const int base = bases[random() % 8];
        expect_same_parse(text, base, ours::strtol, ::strtol);
        expect_same_parse(text, base, ours::strtoul, ::strtoul);
        if (testing::Test::HasFatalFailure()) return;
    }
}

TEST(Numbers, Limits) {
    for (const char* text :
         {"9223372036854775807", "9223372036854775808", "-9223372036854775808",
          "-9223372036854775809", "18446744073709551615", "18446744073709551616", "0x", "0xg", "",
          "-", "  +7", "-0x10"})
        for (int base : {0, 10, 16}) {
            expect_same_parse(text, base, ours::strtol, ::strtol);
            expect_same_parse(text, base, ours::strtoul, ::strtoul);
        }
}

TEST(Numbers, BadBase) {
    char* end = nullptr;
    *ours::shoal_errno() = 0;
    EXPECT_EQ(ours::strtol("12", &end, 1), 0);
    EXPECT_EQ(*ours::shoal_errno(), EINVAL);
}

TEST(Numbers, ByTheirShortNames) {
    for (const char* text : {"0", "-17", "  42abc", "2147483647", "", "x"}) {
        EXPECT_EQ(ours::atoi(text), ::atoi(text)) << text;
        EXPECT_EQ(ours::atol(text), ::atol(text)) << text;
        EXPECT_EQ(ours::atoll(text), ::atoll(text)) << text;
    }
    EXPECT_EQ(ours::atol("-9223372036854775808"), std::numeric_limits<long>::min());
    for (const int value : {0, 1, -1, 2147483647, -2147483647}) {
        EXPECT_EQ(ours::abs(value), std::abs(value));
        EXPECT_EQ(ours::labs(value), std::labs(value));
        EXPECT_EQ(ours::llabs(value), std::llabs(value));
    }
}

TEST(Random, FollowsItsSeedAndUsesEveryBit) {
    const auto sequence = [](unsigned seed) {
        ours::srand(seed);
        std::vector<int> values(1000);
        for (int& value : values) value = ours::rand();
        return values;
    };
    const std::vector<int> values = sequence(7);
    EXPECT_EQ(sequence(7), values);
    EXPECT_NE(sequence(8), values);
    for (unsigned bit = 0; bit < 31; ++bit) {
        const auto set = std::count_if(values.begin(), values.end(), [bit](int value) { return (value >> bit & 1) != 0; });
        EXPECT_NEAR(static_cast<double>(set), 500.0, 100.0) << "bit " << bit;  // more than six standard deviations
    }
    EXPECT_TRUE(std::all_of(values.begin(), values.end(), [](int value) { return value >= 0; }));
}

int compare_ints(const void* a, const void* b) {
    const int x = *static_cast<const int*>(a), y = *static_cast<const int*>(b);
    return (x > y) - (x < y);
}

void expect_sorts(std::vector<int> values) {
    std::vector<int> expected = values;
    std::sort(expected.begin(), expected.end());
    ours::qsort(values.data(), values.size(), sizeof(int), compare_ints);
    ASSERT_EQ(values, expected);
}

TEST(Sort, RandomArrays) {
    std::mt19937_64 random(shoal::test::seed());
    for (int i = 0; i < 3000; ++i) {
        std::vector<int> values(random() % 500);
        const uint64_t distinct = 1 + random() % 600;
        for (int& value : values) value = static_cast<int>(random() % distinct);
        expect_sorts(values);
    }
}

size_t comparisons;

TEST(Sort, StaysNearNLogNOnHardOrders) {
    constexpr int kCount = 20'000;
    std::vector<int> organ_pipe(kCount), ascending(kCount), equal(kCount, 7), killer(kCount);
    for (int i = 0; i < kCount; ++i) {
        organ_pipe[static_cast<size_t>(i)] = std::min(i, kCount - i);
        ascending[static_cast<size_t>(i)] = i;
        killer[static_cast<size_t>(i)] = i % 2 == 0 ? i : kCount - i;
    }
    for (auto& values : {organ_pipe, ascending, equal, killer}) {
        std::vector<int> sorted = values;
        comparisons = 0;
        ours::qsort(sorted.data(), sorted.size(), sizeof(int), [](const void* a, const void* b) {
            ++comparisons;
            return compare_ints(a, b);
        });
        EXPECT_TRUE(std::is_sorted(sorted.begin(), sorted.end()));
        EXPECT_LT(comparisons, size_t{kCount} * 15 * 5);  // log2(20,000) is 14.3
    }
}

TEST(Sort, OddSizedElementsAndSearch) {
    struct Record {
        char key[3];
    };
    std::vector<Record> records;
    for (int i = 0; i < 200; ++i)
        records.push_back({{static_cast<char>('a' + i * 7 % 26), static_cast<char>('a' + i % 26), 0}});
    const auto compare = [](const void* a, const void* b) {
        return std::string(static_cast<const Record*>(a)->key)
            .compare(static_cast<const Record*>(b)->key);
    };
    ours::qsort(records.data(), records.size(), sizeof(Record), compare);
    for (size_t i = 1; i < records.size(); ++i)
        ASSERT_LE(compare(&records[i - 1], &records[i]), 0);
    const Record wanted = records[77], absent = {{'~', '~', 0}};
    const auto* found = static_cast<Record*>(
        ours::bsearch(&wanted, records.data(), records.size(), sizeof(Record), compare));
    ASSERT_NE(found, nullptr);
    EXPECT_STREQ(found->key, wanted.key);
    EXPECT_EQ(ours::bsearch(&absent, records.data(), records.size(), sizeof(Record), compare),
              nullptr);
}

}  // namespace
