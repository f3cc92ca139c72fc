// A System made of the reference itself, with defects that can be switched on: it tests the tests.
#pragma once

#include <mutex>

#include "tests/model/reference/reference.hpp"
#include "tests/model/system.hpp"

namespace shoal::model {

enum class Defect : uint8_t {
    None,
    KeepsContents,        // DONTNEED changes nothing
    IgnoresProtection,    // pages that may be read may be written
    UnmapsOnePageTooFew,  // of more than three
    StaleRead,            // some reads see what was there before
    Dies,                 // an assertion fails when a page is made inaccessible
    PlacesTwice,          // maps of two CPUs get one address
    LendsForGood,         // what is mapped by a grant stays so, whatever is taken back
    LendsToWriters,       // what is to be read is mapped to be written
    SwapsNothing,         // an update is answered, and each stays what it was
    ForgetsSignals,       // nobody hears of them
    LoadsNothing,         // an executable seems to be loaded
    PinsNothing,          // what an update needs seems to be ready
    WakesNobody,          // who waits for news waits on
};

class FakeSystem : public System {
  public:
    explicit FakeSystem(Defect defect, unsigned workers = 4, unsigned spaces = 2) : defect_(defect), workers_(workers), reference_(spaces, {}) {}
    unsigned workers() const override { return workers_; }
    unsigned spaces() const override { return static_cast<unsigned>(reference_.spaces().size()); }
    Outcome apply(const Operation& op) override;
    uint64_t audit() override { return 0; }

  private:
    uint64_t place(const Operation& op);
    uint64_t place_contiguous(const Operation& op);
    Outcome choose(const Operation& op);
    void distort(Operation& op) const;
    bool changes_nothing(const Operation& op) const;

    std::mutex lock_;
    Defect defect_;
    unsigned workers_;
    Reference reference_;
    uint64_t next_free_ = uint64_t{1} << 40;
    uint64_t next_physical_ = uint64_t{1} << 32, last_identity_ = 0;
    uint64_t stale_ = 0;
};

}  // namespace shoal::model
