// A System made of the reference itself, with defects that can be switched on: it tests the tests.
#pragma once

#include <mutex>
#include <vector>

#include "abi/memory.hpp"
#include "tests/model/reference/reference_space.hpp"
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
};

class FakeSystem : public System {
  public:
    explicit FakeSystem(Defect defect, unsigned workers = 4) : defect_(defect), workers_(workers), spaces_(2) {}
    unsigned workers() const override { return workers_; }
    unsigned spaces() const override { return static_cast<unsigned>(spaces_.size()); }
    Outcome apply(const Operation& op) override;
    uint64_t audit() override { return 0; }

  private:
    uint64_t place(const ReferenceSpace& space, uint64_t bytes);
    Outcome map(const Operation& op);
    Outcome map_file(const Operation& op);
    Outcome remap(const Operation& op);
    Outcome map_blocks(const Operation& op);

    std::mutex lock_;
    Defect defect_;
    unsigned workers_;
    std::vector<ReferenceSpace> spaces_;
    ReferenceCache cache_;
    uint64_t next_free_ = uint64_t{1} << 40;
    uint64_t stale_ = 0;
};

}  // namespace shoal::model
