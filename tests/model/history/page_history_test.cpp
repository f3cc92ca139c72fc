// The checker itself: it must accept what can happen and refuse what cannot.
#include "tests/model/history/page_history.hpp"

#include <gtest/gtest.h>

#include "abi/memory.hpp"

namespace shoal::model {
namespace {

constexpr uint64_t kReadWrite = kProtectRead | kProtectWrite;

PageEvent map_event(uint64_t began, uint64_t ended) {
    PageEvent event;
    event.operation.kind = Kind::Map;
    event.operation.protection = kReadWrite;
    event.began = began;
    event.ended = ended;
    return event;
}

PageEvent access_event(Kind kind, uint64_t value, uint64_t began, uint64_t ended) {
    PageEvent event;
    event.operation.kind = kind;
    event.operation.value = value;
    event.outcome.value = value;
    event.began = began;
    event.ended = ended;
    return event;
}

PageEvent unmap_event(uint64_t began, uint64_t ended) {
    PageEvent event;
    event.operation.kind = Kind::Unmap;
    event.began = began;
    event.ended = ended;
    return event;
}

PageEvent refused_event(uint64_t began, uint64_t ended) {
    PageEvent event = access_event(Kind::Read, 0, began, ended);
    event.outcome.access = Access::Refused;
    return event;
}

TEST(PageHistory, LetsRefusalsComeEarlyWhileTheUnmapIsUnderWay) {
    const PageEvent map = map_event(1, 2), write = access_event(Kind::Write, 5, 3, 4);
    const PageEvent unmap = unmap_event(5, 20), refused = refused_event(6, 7);
    EXPECT_TRUE(check_page({map, write, unmap, refused, access_event(Kind::Read, 5, 8, 9)}).explained);
    EXPECT_FALSE(check_page({map, write, unmap, refused, access_event(Kind::Read, 5, 21, 22)}).explained);
    EXPECT_FALSE(check_page({map, write, refused, access_event(Kind::Read, 5, 8, 9)}).explained);
}

TEST(PageHistory, LetsNewRightsComeEarlyWhileTheProtectionIsUnderWay) {
    PageEvent map = map_event(1, 2), protect = map_event(5, 20);
    map.operation.protection = kProtectRead | kProtectExecute;
    protect.operation.kind = Kind::Protect;
    const PageEvent write = access_event(Kind::Write, 5, 6, 7), execute = access_event(Kind::Execute, 0, 8, 9);
    EXPECT_TRUE(check_page({map, protect, write, execute, access_event(Kind::Read, 5, 21, 22)}).explained);
    EXPECT_FALSE(check_page({map, protect, write, execute, access_event(Kind::Read, 0, 21, 22)}).explained);
    EXPECT_FALSE(check_page({map, protect, write, access_event(Kind::Execute, 0, 21, 22)}).explained);
    EXPECT_FALSE(check_page({map, write, execute}).explained);
    protect.operation.kind = Kind::Map;  // which takes the contents, too
    EXPECT_FALSE(check_page({map, protect, write, execute}).explained);
}

TEST(PageHistory, AcceptsWhatHappensInOrder) {
    EXPECT_TRUE(check_page({map_event(1, 2), access_event(Kind::Write, 7, 3, 4),
                            access_event(Kind::Read, 7, 5, 6)})
                    .explained);
}

TEST(PageHistory, AcceptsEitherOrderOfConcurrentWrites) {
    for (const uint64_t last : {uint64_t{7}, uint64_t{8}})
        EXPECT_TRUE(check_page({map_event(1, 2), access_event(Kind::Write, 7, 3, 6),
                                access_event(Kind::Write, 8, 4, 5), access_event(Kind::Read, last, 7, 8)})
                        .explained);
}

TEST(PageHistory, RefusesAStaleRead) {
    const Verdict verdict = check_page({map_event(1, 2), access_event(Kind::Write, 7, 3, 4),
                                        access_event(Kind::Write, 8, 5, 6),
                                        access_event(Kind::Read, 7, 7, 8)});
    EXPECT_FALSE(verdict.explained);
    EXPECT_NE(verdict.why.find("read"), std::string::npos);
}

TEST(PageHistory, RefusesAReadAfterUnmapReturned) {
    EXPECT_FALSE(check_page({map_event(1, 2), access_event(Kind::Write, 7, 3, 4), unmap_event(5, 6),
                             access_event(Kind::Read, 7, 7, 8)})
                     .explained);
}

TEST(PageHistory, AcceptsAReadBesideAnUnmap) {
    EXPECT_TRUE(check_page({map_event(1, 2), access_event(Kind::Write, 7, 3, 4), unmap_event(5, 8),
                            access_event(Kind::Read, 7, 6, 7)})
                    .explained);
}

TEST(PageHistory, RefusesAPageThatWasNotZeroed) {
    EXPECT_FALSE(check_page({map_event(1, 2), access_event(Kind::Write, 7, 3, 4), unmap_event(5, 6),
                             map_event(7, 8), access_event(Kind::Read, 7, 9, 10)})
                     .explained);
}

TEST(PageHistory, RefusesALostWrite) {
    EXPECT_FALSE(check_page({map_event(1, 2), access_event(Kind::Write, 7, 3, 4),
                             access_event(Kind::Read, 0, 5, 6)})
                     .explained);
}

TEST(PageHistory, RefusesReadsThatDisagreeOnTheOrder) {
    // One CPU sees 7 then 8, the other 8 then 7, with a single write of each.
    EXPECT_FALSE(check_page({map_event(1, 2), access_event(Kind::Write, 7, 3, 20),
                             access_event(Kind::Write, 8, 3, 20), access_event(Kind::Read, 7, 4, 5),
                             access_event(Kind::Read, 8, 6, 7), access_event(Kind::Read, 7, 8, 9)})
                     .explained);
}

PageEvent call_event(Kind kind, uint64_t protection, uint64_t began, uint64_t ended) {
    PageEvent event;
    event.operation.kind = kind;
    event.operation.protection = protection;
    event.began = began;
    event.ended = ended;
    return event;
}

TEST(PageHistory, RefusesAnAccessThatTheProtectionForbids) {
    const PageEvent map = map_event(1, 2), to_read = call_event(Kind::Protect, kProtectRead, 3, 4);
    EXPECT_FALSE(check_page({map, to_read, access_event(Kind::Write, 7, 5, 6)}).explained);
    EXPECT_TRUE(check_page({map, to_read, access_event(Kind::Read, 0, 5, 6)}).explained);
    EXPECT_FALSE(check_page({map, access_event(Kind::Execute, 0, 3, 4)}).explained);
    EXPECT_FALSE(check_page({map, call_event(Kind::Protect, kProtectNone, 3, 4), access_event(Kind::Read, 0, 5, 6)}).explained);
    EXPECT_TRUE(check_page({map, call_event(Kind::Protect, kProtectRead | kProtectExecute, 3, 4), access_event(Kind::Execute, 0, 5, 6)})
                    .explained);
}

TEST(PageHistory, RefusesARefusalThatNothingExplains) {
    EXPECT_FALSE(check_page({map_event(1, 2), refused_event(3, 4)}).explained);
    EXPECT_FALSE(check_page({map_event(1, 2), call_event(Kind::Protect, kProtectRead, 3, 4), refused_event(5, 6)}).explained);
    EXPECT_TRUE(check_page({map_event(1, 2), call_event(Kind::Protect, kProtectNone, 3, 4), refused_event(5, 6)}).explained);
}

TEST(PageHistory, RefusesContentsThatSurviveDontNeed) {
    const PageEvent map = map_event(1, 2), write = access_event(Kind::Write, 7, 3, 4);
    const PageEvent drop = call_event(Kind::DontNeed, 0, 5, 6);
    EXPECT_FALSE(check_page({map, write, drop, access_event(Kind::Read, 7, 7, 8)}).explained);
    EXPECT_TRUE(check_page({map, write, drop, access_event(Kind::Read, 0, 7, 8)}).explained);
}

TEST(PageHistory, RefusesCallsThatSucceedWhereNothingIsMapped) {
    EXPECT_FALSE(check_page({call_event(Kind::Protect, kProtectRead, 1, 2)}).explained);
    EXPECT_FALSE(check_page({map_event(1, 2), unmap_event(3, 4), call_event(Kind::DontNeed, 0, 5, 6)}).explained);
}

TEST(PageHistory, RefusesAWriteThatComesBackAfterAnother) {
    EXPECT_FALSE(check_page({map_event(1, 2), access_event(Kind::Write, 7, 3, 4), access_event(Kind::Write, 8, 5, 9),
                             access_event(Kind::Read, 8, 6, 7), access_event(Kind::Read, 7, 8, 10)})
                    .explained);
}

}  // namespace
}  // namespace shoal::model
