#include "libc-min/include/sched.h"

#include "abi/kernel_call_stubs.hpp"
#include "libc-min/include/unistd.h"
#include "libc-min/system/kernel_facts.hpp"
#include "libc-min/system/outcome.hpp"

namespace shoal {

Error set_affinity(uint64_t cpu) { return kernel_calls::thread_affinity(kSelf, cpu).error(); }

}  // namespace shoal

SHOAL_C_BEGIN

int sched_yield(void) { return shoal::libc::to_status(shoal::kernel_calls::thread_yield()); }
int sched_getcpu(void) { return static_cast<int>(shoal::kernel_facts().cpu); }
pid_t getpid(void) { return static_cast<pid_t>(shoal::kernel_facts().process.raw()); }

long sysconf(int name) {
    switch (name) {
        case _SC_PAGESIZE: return shoal::kPageSize;
        case _SC_NPROCESSORS_CONF:
        case _SC_NPROCESSORS_ONLN: return shoal::kernel_facts().cpus;
        default: errno = EINVAL; return -1;
    }
}

SHOAL_C_END
