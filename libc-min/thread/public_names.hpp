// pthread.h, for the sources that compile on the host as well. There the host's own header comes first, since <atomic> and
// <thread> include it anyway: the functions differ by their namespace, and the macros are taken back here.
#pragma once

#if __STDC_HOSTED__ == 1
#include <pthread.h>
#undef PTHREAD_BARRIER_SERIAL_THREAD
#undef PTHREAD_COND_INITIALIZER
#undef PTHREAD_CREATE_DETACHED
#undef PTHREAD_CREATE_JOINABLE
#undef PTHREAD_MUTEX_DEFAULT
#undef PTHREAD_MUTEX_ERRORCHECK
#undef PTHREAD_MUTEX_INITIALIZER
#undef PTHREAD_MUTEX_NORMAL
#undef PTHREAD_MUTEX_RECURSIVE
#undef PTHREAD_ONCE_INIT
#undef PTHREAD_STACK_MIN
#endif

#include "libc-min/include/pthread.h"
