#include "bench/guest/vm_calls/file_provider.hpp"

#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "bench/guest/pages.hpp"
#include "libc-min/file_service.hpp"

namespace shoal::bench {
namespace {

constexpr uint64_t kDevice = 1000, kInode = 1, kHandle = 1;

Error read(const FileJob& job) {
    char* buffer = map(job.pages * kPage);
    touch(buffer, job.pages * kPage);
    const VirtualAddress at{reinterpret_cast<uint64_t>(buffer)};
    const Result<void> set = vm_calls::setcachepage(at, job.device, job.offset, job.inode, job.offset, job.pages);
    (void)munmap(buffer, job.pages * kPage);
    return set.error();
}

void* serve(void*) {
    for (;;) {
        const Result<FileJob> job = next_file_job();
        if (!job.ok()) abort();
        if (job.value().work == FileWork::Lookup) (void)answer_lookup(job.value(), {kHandle, kDevice, kInode});
        if (job.value().work == FileWork::Read) (void)answer_read(job.value(), read(job.value()));
    }
}

}  // namespace

void FileProvider::serve_on(unsigned cpus) {
    static unsigned served = 0;
    for (; served < cpus; ++served) {
        pthread_t thread{};
        pthread_attr_t attributes;
        (void)pthread_attr_init(&attributes);
        (void)pthread_attr_setcpu_np(&attributes, served);
        if (pthread_create(&thread, &attributes, serve, nullptr) != 0) abort();
    }
}

}  // namespace shoal::bench
