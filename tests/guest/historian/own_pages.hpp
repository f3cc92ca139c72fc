// OwnPages: the pages that one thread alone uses, among those of the others. It knows at each access what must be there.
#pragma once

#include "abi/memory.hpp"
#include "tests/guest/historian/event.hpp"
#include "tests/guest/random.hpp"
#include "tests/guest/historian/arena.hpp"

namespace shoal::test {

class OwnPages {
  public:
    OwnPages(unsigned worker, unsigned workers) : worker_(worker), workers_(workers) {}

    // nullptr, or what was wrong.
    const char* do_something(Random& random);

  private:
    struct Page {
        bool mapped = false;
        uint64_t protection = kProtectNone;
        uint8_t bytes[kWordsOfPage] = {};
    };
    const char* access(Page& page, uint64_t at, Random& random);
    const char* change(Page& page, VirtualAddress at, Random& random);

    const unsigned worker_, workers_;
    Page pages_[kOwnPages];
};

}  // namespace shoal::test
