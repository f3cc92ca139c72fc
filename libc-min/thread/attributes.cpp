#include "abi/kernel_info.hpp"
#include "libc-min/include/errno.h"
#include "libc-min/thread/public_names.hpp"

namespace {

constexpr size_t kDefaultStack = size_t{256} << 10;
constexpr size_t kDefaultGuard = 4096;
constexpr size_t kMaxStack = size_t{1} << 40;

}  // namespace

SHOAL_C_BEGIN

int pthread_attr_init(pthread_attr_t* attributes) {
    *attributes = {kDefaultStack, kDefaultGuard, shoal::kAnyCpu, PTHREAD_CREATE_JOINABLE};
    return 0;
}

int pthread_attr_destroy(pthread_attr_t*) { return 0; }

int pthread_attr_setdetachstate(pthread_attr_t* attributes, int state) {
    if (state != PTHREAD_CREATE_JOINABLE && state != PTHREAD_CREATE_DETACHED) return EINVAL;
    attributes->detached = state;
    return 0;
}

int pthread_attr_setstacksize(pthread_attr_t* attributes, size_t bytes) {
    if (bytes < PTHREAD_STACK_MIN || bytes > kMaxStack) return EINVAL;
    attributes->stack_bytes = bytes;
    return 0;
}

int pthread_attr_setguardsize(pthread_attr_t* attributes, size_t bytes) {
    if (bytes > kMaxStack) return EINVAL;
    attributes->guard_bytes = bytes;
    return 0;
}

int pthread_attr_setcpu_np(pthread_attr_t* attributes, unsigned cpu) {
    attributes->cpu = cpu;
    return 0;
}

SHOAL_C_END
