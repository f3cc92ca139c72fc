// pthread mutexes: the lock word, and for the kinds that ask who holds it an owner and a depth.
//
// owner is written by the holder alone; another thread that reads it may see an old value, but never its own name, because only
// that thread writes it. So relaxed order is enough.
#include "libc-min/include/errno.h"
#include "libc-min/thread/lock_word.hpp"
#include "libc-min/thread/public_names.hpp"
#include "libc-min/thread/word.hpp"

namespace {

using shoal::libc::atomic;
namespace lock_word = shoal::libc::lock_word;
namespace platform = shoal::libc::platform;

constexpr uint32_t kNobody = 0;

bool owned_by_caller(auto& mutex) {
    return atomic(mutex.owner).load(std::memory_order_relaxed) == platform::thread_name();
}

void become_owner(auto& mutex) {
    atomic(mutex.owner).store(platform::thread_name(), std::memory_order_relaxed);
}

}  // namespace

SHOAL_C_BEGIN

int pthread_mutexattr_init(pthread_mutexattr_t* attributes) {
    attributes->kind = PTHREAD_MUTEX_DEFAULT;
    return 0;
}

int pthread_mutexattr_destroy(pthread_mutexattr_t*) { return 0; }

int pthread_mutexattr_settype(pthread_mutexattr_t* attributes, int kind) {
    if (kind < PTHREAD_MUTEX_NORMAL || kind > PTHREAD_MUTEX_ERRORCHECK) return EINVAL;
    attributes->kind = static_cast<uint32_t>(kind);
    return 0;
}

int pthread_mutex_init(pthread_mutex_t* mutex, const pthread_mutexattr_t* attributes) {
    *mutex = PTHREAD_MUTEX_INITIALIZER;
    if (attributes != nullptr) mutex->kind = attributes->kind;
    return 0;
}

int pthread_mutex_destroy(pthread_mutex_t* mutex) {
    return atomic(mutex->word).load(std::memory_order_relaxed) == lock_word::kFree ? 0 : EBUSY;
}

int pthread_mutex_lock(pthread_mutex_t* mutex) {
    if (mutex->kind != PTHREAD_MUTEX_NORMAL && owned_by_caller(*mutex)) {
        if (mutex->kind == PTHREAD_MUTEX_ERRORCHECK) return EDEADLK;
        if (mutex->depth == UINT32_MAX) return EAGAIN;
        ++mutex->depth;
        return 0;
    }
    lock_word::lock(atomic(mutex->word));
    if (mutex->kind != PTHREAD_MUTEX_NORMAL) become_owner(*mutex);
    return 0;
}

int pthread_mutex_trylock(pthread_mutex_t* mutex) {
    if (mutex->kind == PTHREAD_MUTEX_RECURSIVE && owned_by_caller(*mutex))
        return pthread_mutex_lock(mutex);
    if (!lock_word::try_lock(atomic(mutex->word))) return EBUSY;
    if (mutex->kind != PTHREAD_MUTEX_NORMAL) become_owner(*mutex);
    return 0;
}

int pthread_mutex_unlock(pthread_mutex_t* mutex) {
    if (mutex->kind != PTHREAD_MUTEX_NORMAL) {
        if (!owned_by_caller(*mutex)) return EPERM;
        if (mutex->depth > 0) {
            --mutex->depth;
            return 0;
        }
        atomic(mutex->owner).store(kNobody, std::memory_order_relaxed);
    }
    lock_word::unlock(atomic(mutex->word));
    return 0;
}

SHOAL_C_END
