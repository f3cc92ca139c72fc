#include "libc-min/include/errno.h"

namespace {

constinit __thread int value;

}  // namespace

SHOAL_C_BEGIN

int* shoal_errno(void) { return &value; }

SHOAL_C_END
