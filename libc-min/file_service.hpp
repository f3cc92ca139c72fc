// What a file server does for VM: takes its requests, one after the other in as many threads as it likes, and answers them.
//
//     for (;;) {
//         const FileJob job = TRY(next_file_job());
//         if (job.work == FileWork::Lookup && TRY(answer_lookup(job, {handle, device, inode})) == Handle::Surplus) close(handle);
//         if (job.work == FileWork::Read) TRY(answer_read(job, Error::None));   // after setcachepage of its pages
//     }
#pragma once

#include "abi/memory.hpp"
#include "abi/vm_call_stubs.hpp"

namespace shoal {

struct FileJob {
    uint64_t request;   // what the answer names
    FileWork work;
    uint64_t pages;     // Read
    uint64_t handle;    // Read, Close: as a lookup was answered
    uint64_t device, inode, offset;  // Read; offset in bytes
    ProcessId process;     // Lookup: whose descriptor
    uint64_t descriptor;   // Lookup
};

struct FoundFile {
    uint64_t handle, device, inode;
};

// Waits until there is one. Errors: those of vfs_wait.
inline Result<FileJob> next_file_job() {
    const vm_calls::VfsWaitResults wanted = TRY(vm_calls::vfs_wait());
    FileJob job{wanted.request, FileWork{static_cast<uint32_t>(wanted.work)}, wanted.work >> 32, wanted.subject, wanted.device, wanted.inode,
                wanted.offset, {}, 0};
    if (job.work == FileWork::Lookup) job.process = ProcessId{static_cast<uint32_t>(wanted.subject)}, job.descriptor = wanted.offset;
    return job;
}

constexpr uint64_t word_of(Error outcome) { return static_cast<uint64_t>(to_register(outcome)); }

enum class Handle : uint8_t {
    Taken,    // VM reads by it, and has it closed
    Surplus,  // VM does not want it
};

// Errors: those of vfs_reply.
inline Result<Handle> answer_lookup(const FileJob& job, const FoundFile& file) {
    const uint64_t surplus = TRY(vm_calls::vfs_reply(job.request, word_of(Error::None), file.handle, file.device, file.inode));
    return surplus == 0 ? Handle::Taken : Handle::Surplus;
}
inline Result<void> refuse_lookup(const FileJob& job, Error error) {
    return Result<void>{vm_calls::vfs_reply(job.request, word_of(error), 0, 0, 0).error()};
}
inline Result<void> answer_read(const FileJob& job, Error outcome) {
    return Result<void>{vm_calls::vfs_reply(job.request, word_of(outcome), 0, 0, 0).error()};
}

}  // namespace shoal
