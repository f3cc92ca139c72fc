// stdout and stderr: lines go out whole, whatever they are made of and whoever prints beside.
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>

#include "libc-min/include/stdio.h"
#include "libc-min/include/string.h"
#include "tests/unit/libc/host_platform.hpp"

namespace shoal::libc {
int* shoal_errno();
}

namespace {

namespace ours = shoal::libc;
using shoal::test::CapturedConsole;
using Pieces = std::vector<std::string>;

// The library's, where the host's header has made a macro of the name.
#undef stdout
#undef stderr
#undef putc
#undef putchar
ours::FILE* out() { return ours::stdout; }
ours::FILE* err() { return ours::stderr; }

TEST(Console, GathersALine) {
    CapturedConsole console;
    ours::printf("%d ", 1);
    ours::fputs("two ", out());
    ours::putchar('3');
    EXPECT_TRUE(console.pieces.empty());
    EXPECT_EQ(ours::puts(""), 0);
    EXPECT_EQ(console.pieces, Pieces{"1 two 3\n"});
}

TEST(Console, SplitsAtLinesAndWhereTheBufferEnds) {
    CapturedConsole console;
    ours::printf("a\nb\nc");
    EXPECT_EQ(console.pieces, (Pieces{"a\n", "b\n"}));
    EXPECT_EQ(ours::fflush(out()), 0);
    EXPECT_EQ(console.pieces.back(), "c");
    console.pieces.clear();
    const std::string longer(1500, 'x');
    EXPECT_EQ(ours::printf("%s\n", longer.c_str()), 1501);
    ASSERT_EQ(console.pieces.size(), 2u);
    EXPECT_EQ(console.pieces[0].size(), 1024u) << "what the system takes at a time";
    EXPECT_EQ(console.pieces[0] + console.pieces[1], longer + "\n");
}

TEST(Console, TheTwoStreamsDoNotMix) {
    CapturedConsole console;
    ours::fprintf(out(), "out ");
    ours::fprintf(err(), "err ");
    EXPECT_EQ(ours::fputc('\n', err()), '\n');
    EXPECT_EQ(ours::putc('\n', out()), '\n');
    EXPECT_EQ(console.pieces, (Pieces{"err \n", "out \n"}));
    ours::fprintf(out(), "1");
    ours::fprintf(err(), "2");
    EXPECT_EQ(ours::fflush(nullptr), 0) << "both";
    EXPECT_EQ(console.pieces.size(), 4u);
    EXPECT_EQ(ours::fflush(nullptr), 0);
    EXPECT_EQ(console.pieces.size(), 4u) << "nothing is left to write";
}

TEST(Console, BlocksMayHoldAnything) {
    CapturedConsole console;
    EXPECT_EQ(ours::fwrite("a\0b\n", 2, 2, out()), 2u);
    EXPECT_EQ(console.pieces, Pieces{std::string("a\0b\n", 4)});
    EXPECT_EQ(ours::fputc(-1, out()), 255);
    (void)ours::fflush(out());
    EXPECT_EQ(console.pieces.back(), "\xff");
}

TEST(Console, PerrorNamesTheError) {
    CapturedConsole console;
    *ours::shoal_errno() = ENOMEM;
    ours::perror("mmap");
    EXPECT_EQ(console.pieces, Pieces{std::string("mmap: ") + ours::strerror(ENOMEM) + "\n"});
}

TEST(Console, LinesOfThreadsStayWhole) {
    constexpr unsigned kThreads = 4, kLines = 500;
    CapturedConsole console;
    std::vector<std::thread> threads;
    for (unsigned id = 0; id < kThreads; ++id)
        threads.emplace_back([id] {
            for (unsigned i = 0; i < kLines; ++i) ours::printf("thread %u line %u %s\n", id, i, "of many parts");
        });
    for (std::thread& thread : threads) thread.join();
    ASSERT_EQ(console.pieces.size(), kThreads * kLines);
    for (unsigned id = 0; id < kThreads; ++id) {
        unsigned next = 0;
        for (const std::string& line : console.pieces) {
            unsigned from = 0, number = 0;
            ASSERT_EQ(std::sscanf(line.c_str(), "thread %u line %u of many parts\n", &from, &number), 2) << line;
            if (from != id) continue;
            ASSERT_EQ(number, next++);
        }
    }
}

}  // namespace
