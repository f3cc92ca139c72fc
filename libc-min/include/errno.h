/* Error numbers: those of base/error.hpp below 200, and the few that only the library itself reports. */
#pragma once

#include "base/c_linkage.h"

#if defined(__cplusplus) && __STDC_HOSTED__ == 1
#include <errno.h> /* on the host first, so that no later inclusion takes errno back; the numbers are the same */
#endif

#define EPERM 1
#define ENOENT 2
#define ESRCH 3
#define EINTR 4
#define EIO 5
#define ENXIO 6
#define E2BIG 7
#define ENOEXEC 8
#define EBADF 9
#define ECHILD 10
#define EAGAIN 11
#define ENOMEM 12
#define EACCES 13
#define EFAULT 14
#define EBUSY 16
#define EEXIST 17
#define EINVAL 22
#define EDOM 33
#define ERANGE 34
#define EDEADLK 35
#define ENOSYS 38
#define EILSEQ 84
#define EOVERFLOW 75
#define ETIMEDOUT 110

SHOAL_C_BEGIN
/* The calling thread's errno. */
int* shoal_errno(void);
SHOAL_C_END

#undef errno
#if defined(__cplusplus) && __STDC_HOSTED__ == 1
#define errno (*::shoal::libc::shoal_errno())
#else
#define errno (*shoal_errno())
#endif
