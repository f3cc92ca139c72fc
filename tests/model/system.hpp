// What a model test drives: the real VM core behind its harness, or a fake that the test's own tests use.
#pragma once

#include "tests/model/reference/payment.hpp"

namespace shoal::model {

class System {
  public:
    virtual ~System() = default;
    System() = default;
    System(const System&) = delete;
    System& operator=(const System&) = delete;

    virtual unsigned workers() const = 0;
    virtual unsigned spaces() const = 0;
    // Whether operations may find no memory; they answer so, and have then changed nothing but what their call's
    // description allows.
    virtual bool may_run_out() const { return false; }
    // Whether there is a file to map; else such maps are answered with NoDevice.
    virtual bool serves_files() const { return true; }
    // Called by one thread per worker at a time; several workers at once.
    virtual Outcome apply(const Operation& operation) = 0;
    // Reads what there is to read about the system and a space, beside operations of others. What it says is held against nothing.
    virtual void look(unsigned /*worker*/, unsigned /*space*/) {}
    // With no operation under way: holds every structure against every other; the number of faults found.
    virtual uint64_t audit() = 0;
    // Likewise what a space pays for.
    virtual Payment payment(unsigned /*space*/) { return {}; }
    // Likewise ends all that there is, and says what has not come back, or nothing.
    virtual std::string end() { return {}; }
};

// Whether an operation was refused for want of memory, where that may be.
inline bool ran_out(const System& system, const Outcome& seen) {
    return system.may_run_out() && (seen.error == Error::NoMemory || seen.access == Access::OutOfMemory);
}

}  // namespace shoal::model
