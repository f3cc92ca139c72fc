// How the guest's test programs report: one line at the end, "PASS name" or "FAIL name: reason", and the exit status.
#pragma once

namespace shoal::test {

class Verdict {
  public:
    explicit Verdict(const char* name) : name_(name) {}
    // The first failure counts; all are printed.
    void fail(const char* format, ...) __attribute__((format(printf, 2, 3)));
    [[nodiscard]] bool failed() const { return failed_; }
    // Prints the line; the program's exit status.
    int finish() const;

  private:
    const char* name_;
    bool failed_ = false;
    char reason_[160] = {};
};

}  // namespace shoal::test

// A check inside a test of a Verdict; goes on after a failure.
#define SHOAL_EXPECT(verdict, condition) \
    ((condition) ? (void)0 : (verdict).fail("%s:%d: %s", __FILE_NAME__, __LINE__, #condition))
