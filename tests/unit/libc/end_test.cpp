// How a program ends, and what it finds in its environment and in errno.
#include <gtest/gtest.h>

#include <thread>

#include "libc-min/include/assert.h"
#include "libc-min/include/stdio.h"
#include "libc-min/include/stdlib.h"
#include "libc-min/start/environment.hpp"

namespace shoal::libc {
int* shoal_errno();
}  // namespace shoal::libc

namespace {

namespace ours = shoal::libc;

TEST(EndDeathTest, ExitRunsHandlersLastOneFirstAndFlushes) {
    EXPECT_EXIT(
        {
            ours::printf("unfinished ");
            ours::atexit([] { ours::printf("first in\n"); });
            ours::atexit([] { ours::printf("last in "); });
            ours::exit(3);
        },
        testing::ExitedWithCode(3), "unfinished last in first in");
}

TEST(EndDeathTest, HandlersMayAddHandlers) {
    EXPECT_EXIT(
        {
            ours::atexit([] { ours::atexit([] { ours::printf("added late\n"); }); });
            ours::exit(0);
        },
        testing::ExitedWithCode(0), "added late");
}

TEST(EndDeathTest, AbortFlushesAndRunsNoHandlers) {
    EXPECT_EXIT(
        {
            ours::atexit([] { ours::_Exit(0); });
            ours::printf("last words");
            ours::abort();
        },
        testing::ExitedWithCode(134), "last words");
}

TEST(EndDeathTest, AFailedAssertionSaysWhere) {
    EXPECT_EXIT(ours::shoal_assert_failed("1 == 2", "file.c", 7), testing::ExitedWithCode(134),
                "file.c:7: assertion failed: 1 == 2");
}

TEST(End, ThereIsRoomForSoManyHandlers) {
    int added = 0;
    EXPECT_EXIT(
        {
            while (ours::atexit([] {}) == 0) ++added;
            ours::_Exit(added >= 32 ? 0 : 1);  // ISO C 7.22.4.2 asks for 32
        },
        testing::ExitedWithCode(0), "");
}

TEST(Environment, IsSearchedByWholeNames) {
    char one[] = "NAME=value", two[] = "NAME2=", three[] = "EMPTY", four[] = "=odd";
    char* variables[] = {one, two, three, four, nullptr};
    ours::environment = variables;
    EXPECT_STREQ(ours::getenv("NAME"), "value");
    EXPECT_STREQ(ours::getenv("NAME2"), "");
    for (const char* absent : {"NAM", "NAME3", "EMPTY", "VALUE", "name"}) EXPECT_EQ(ours::getenv(absent), nullptr) << absent;
}

TEST(Errno, IsEachThreadsOwn) {
    *ours::shoal_errno() = 5;
    std::thread([] {
        EXPECT_EQ(*ours::shoal_errno(), 0);
        *ours::shoal_errno() = 7;
    }).join();
    EXPECT_EQ(*ours::shoal_errno(), 5);
}

}  // namespace
