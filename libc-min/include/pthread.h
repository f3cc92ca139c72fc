/* POSIX threads: those parts whose meaning needs no signals, no cancellation and no keys (use __thread). */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "base/c_linkage.h"

#define PTHREAD_CREATE_JOINABLE 0
#define PTHREAD_CREATE_DETACHED 1
#define PTHREAD_MUTEX_NORMAL 0
#define PTHREAD_MUTEX_RECURSIVE 1
#define PTHREAD_MUTEX_ERRORCHECK 2
#define PTHREAD_MUTEX_DEFAULT PTHREAD_MUTEX_NORMAL
#define PTHREAD_BARRIER_SERIAL_THREAD (-1)
#define PTHREAD_STACK_MIN 16384

#define PTHREAD_MUTEX_INITIALIZER {0, 0, 0, PTHREAD_MUTEX_NORMAL}
#define PTHREAD_COND_INITIALIZER {0, 0}
#define PTHREAD_ONCE_INIT {0}

SHOAL_C_BEGIN
/* The words are the library's; their meaning is in libc-min/thread. */
typedef struct { uint32_t word, owner, depth, kind; } pthread_mutex_t;
typedef struct { uint32_t kind; } pthread_mutexattr_t;
typedef struct { uint32_t sequence, waiters; } pthread_cond_t;
typedef struct { uint32_t unused; } pthread_condattr_t;
typedef struct { uint32_t state; } pthread_once_t;
typedef struct { uint32_t expected, arrived, phase; } pthread_barrier_t;
typedef struct { uint32_t unused; } pthread_barrierattr_t;
typedef struct { size_t stack_bytes, guard_bytes; uint64_t cpu; int detached; } pthread_attr_t;
typedef uintptr_t pthread_t;

int pthread_attr_init(pthread_attr_t* attributes);
int pthread_attr_destroy(pthread_attr_t* attributes);
int pthread_attr_setdetachstate(pthread_attr_t* attributes, int state);
int pthread_attr_setstacksize(pthread_attr_t* attributes, size_t bytes);
int pthread_attr_setguardsize(pthread_attr_t* attributes, size_t bytes);
/* Ours: the CPU to which the thread is pinned from its first instruction on. */
int pthread_attr_setcpu_np(pthread_attr_t* attributes, unsigned cpu);

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*start)(void*), void* argument);
__attribute__((noreturn)) void pthread_exit(void* result);
int pthread_join(pthread_t thread, void** result);
int pthread_detach(pthread_t thread);
pthread_t pthread_self(void);
int pthread_equal(pthread_t left, pthread_t right);

int pthread_mutexattr_init(pthread_mutexattr_t* attributes);
int pthread_mutexattr_destroy(pthread_mutexattr_t* attributes);
int pthread_mutexattr_settype(pthread_mutexattr_t* attributes, int kind);
int pthread_mutex_init(pthread_mutex_t* mutex, const pthread_mutexattr_t* attributes);
int pthread_mutex_destroy(pthread_mutex_t* mutex);
int pthread_mutex_lock(pthread_mutex_t* mutex);
int pthread_mutex_trylock(pthread_mutex_t* mutex);
int pthread_mutex_unlock(pthread_mutex_t* mutex);

int pthread_cond_init(pthread_cond_t* condition, const pthread_condattr_t* attributes);
int pthread_cond_destroy(pthread_cond_t* condition);
int pthread_cond_wait(pthread_cond_t* condition, pthread_mutex_t* mutex);
/* until: time since boot (CLOCK_MONOTONIC). */
int pthread_cond_timedwait(pthread_cond_t* condition, pthread_mutex_t* mutex, const struct timespec* until);
int pthread_cond_signal(pthread_cond_t* condition);
int pthread_cond_broadcast(pthread_cond_t* condition);

int pthread_once(pthread_once_t* once, void (*function)(void));

int pthread_barrier_init(pthread_barrier_t* barrier, const pthread_barrierattr_t* attributes, unsigned count);
int pthread_barrier_destroy(pthread_barrier_t* barrier);
int pthread_barrier_wait(pthread_barrier_t* barrier);
SHOAL_C_END
