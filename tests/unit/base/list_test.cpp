#include "base/containers/list.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace shoal {
namespace {

struct Item {
    int value = 0;
    ListHook hook;
};
using Items = List<Item, &Item::hook>;

std::vector<int> values(Items& list) {
    std::vector<int> all;
    list.for_each([&](Item& item) { all.push_back(item.value); });
    return all;
}

TEST(List, KeepsOrderOfBothEnds) {
    Items list;
    Item a{1, {}}, b{2, {}}, c{3, {}};
    list.push_back(b);
    list.push_back(c);
    list.push_front(a);
    EXPECT_EQ(values(list), (std::vector{1, 2, 3}));
    EXPECT_EQ(list.next(a), &b);
    EXPECT_EQ(list.next(c), nullptr);
    list.remove(b);
    EXPECT_EQ(values(list), (std::vector{1, 3}));
    EXPECT_FALSE(b.hook.linked());
    EXPECT_EQ(list.size(), 2u);
}

TEST(List, LetsVisitorsRemoveWhatTheyAreGiven) {
    Items list;
    Item items[4];
    for (Item& item : items) list.push_back(item);
    list.for_each([&](Item& item) { list.remove(item); });
    EXPECT_TRUE(list.empty());
    EXPECT_EQ(list.pop_front(), nullptr);
}

TEST(ListDeathTest, RefusesAnItemTwice) {
#ifndef NDEBUG
    Items list;
    Item item;
    list.push_back(item);
    EXPECT_DEATH(list.push_back(item), "assertion failed");
#endif
}

}  // namespace
}  // namespace shoal
