#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/c_linkage.h"

#if defined(__cplusplus) && __STDC_HOSTED__ == 1
#include <unistd.h> /* on the host the types are the host's, and the constants are taken back */
#undef STDOUT_FILENO
#undef STDERR_FILENO
#undef _SC_PAGESIZE
#undef _SC_NPROCESSORS_CONF
#undef _SC_NPROCESSORS_ONLN
#else
#include "sys/types.h"
#endif

#define STDOUT_FILENO 1
#define STDERR_FILENO 2

#define _SC_PAGESIZE 30
#define _SC_NPROCESSORS_CONF 83
#define _SC_NPROCESSORS_ONLN 84

SHOAL_C_BEGIN
int brk(void* end);
void* sbrk(intptr_t increment);
/* The endpoint of the process' first thread. */
pid_t getpid(void);
unsigned sleep(unsigned seconds);
int usleep(unsigned microseconds);
long sysconf(int name);
/* To STDOUT_FILENO and STDERR_FILENO only, past the streams' buffers. */
ssize_t write(int descriptor, const void* block, size_t bytes);
__attribute__((noreturn)) void _exit(int status);
SHOAL_C_END
