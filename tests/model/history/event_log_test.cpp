// The lines of a guest's history, and that what no order explains is found in them.
#include "tests/model/history/event_log.hpp"

#include <gtest/gtest.h>

#include <sstream>

namespace shoal::model {
namespace {

Verdict check(const std::string& lines) {
    std::istringstream console(lines);
    return check_event_log(read_event_log(console));
}

const std::string kMapped = "history 0 m 3 2 0 3 0 0 1 2\n";
const std::string kWritten = kMapped + "history 1 w 4 1 1 0 77 0 3 4\n";

TEST(EventLog, WhatCanHaveHappenedIsExplained) {
    EXPECT_TRUE(check(kWritten + "something else\nhistory 2 r 4 1 1 0 77 0 5 6\nhistory of 24 pages ends after 3 events\n").explained);
    EXPECT_TRUE(check(kWritten + "history 2 r 4 1 1 0 0 0 2 6\nhistory of 24 pages ends after 3 events\n").explained);
    EXPECT_TRUE(check("history 2 r 4 1 1 0 9 14 2 6\nhistory of 24 pages ends after 1 events\n").explained) << "nothing is mapped there";
}

TEST(EventLog, WhatCannotHaveHappenedIsFound) {
    EXPECT_FALSE(check(kWritten + "history 2 r 4 1 1 0 0 0 5 6\nhistory of 24 pages ends after 3 events\n").explained) << "an old value";
    EXPECT_FALSE(check(kWritten + "history 2 r 4 1 1 0 77 13 5 6\nhistory of 24 pages ends after 3 events\n").explained) << "refused";
    EXPECT_FALSE(check(kWritten + "history 2 r 5 1 1 0 0 0 5 6\nhistory of 24 pages ends after 3 events\n").explained) << "never mapped";
}

TEST(EventLog, MissingAndBrokenLinesAreFound) {
    EXPECT_FALSE(check("").explained);
    EXPECT_FALSE(check(kWritten).explained);
    EXPECT_FALSE(check(kWritten + "history of 24 pages ends after 3 events\n").explained);
    EXPECT_FALSE(check("history 0 m 3 hist\nhistory of 24 pages ends after 1 events\n").explained);
}

}  // namespace
}  // namespace shoal::model
