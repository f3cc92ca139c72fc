// The ways in which a program ends.
#include "libc-min/include/stdio.h"
#include "libc-min/include/stdlib.h"
#include "libc-min/include/unistd.h"
#include "libc-min/thread/lock_word.hpp"
#include "libc-min/thread/platform.hpp"

namespace {

using Handler = void (*)(void*);

// Functions to call at exit, last one first: of atexit and, through __cxa_atexit, destructors of static objects.
class ExitHandlers {
  public:
    bool add(Handler handler, void* argument) {
        shoal::libc::LockGuard guard(lock_);
        if (count_ == kMax) return false;
        entries_[count_++] = {handler, argument};
        return true;
    }
    void run() {
        Entry entry;
        while (pop(entry)) entry.handler(entry.argument);
    }

  private:
    struct Entry {
        Handler handler;
        void* argument;
    };
    static constexpr unsigned kMax = 64;  // ISO C asks for 32

    bool pop(Entry& entry) {
        shoal::libc::LockGuard guard(lock_);
        if (count_ == 0) return false;
        entry = entries_[--count_];
        return true;
    }

    shoal::libc::Lock lock_;
    Entry entries_[kMax] GUARDED_BY(lock_) = {};
    unsigned count_ GUARDED_BY(lock_) = 0;
};

constinit ExitHandlers exit_handlers;

constexpr int kAbortStatus = 134;  // as a shell shows SIGABRT

}  // namespace

SHOAL_C_BEGIN

// What the compiler itself calls (Itanium C++ ABI, 3.3.5 and 3.2.6).
int __cxa_atexit(void (*destructor)(void*), void* object, void* library);
[[noreturn]] void __cxa_pure_virtual(void);

void* __dso_handle = nullptr;

int __cxa_atexit(void (*destructor)(void*), void* object, void*) {
    return exit_handlers.add(destructor, object) ? 0 : -1;
}

int atexit(void (*function)(void)) {
    return __cxa_atexit([](void* f) { reinterpret_cast<void (*)()>(f)(); },
                        reinterpret_cast<void*>(function), nullptr);
}

void _Exit(int status) { shoal::libc::platform::end_process(status); }

void _exit(int status) { _Exit(status); }

void exit(int status) {
    exit_handlers.run();
    (void)fflush(nullptr);
    _Exit(status);
}

void abort(void) {
    (void)fflush(nullptr);
    _Exit(kAbortStatus);
}

void __cxa_pure_virtual(void) { abort(); }

SHOAL_C_END
