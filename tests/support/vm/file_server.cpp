#include "tests/support/vm/file_server.hpp"

#include "abi/memory.hpp"

namespace shoal::vm::test {

void FileServer::damage(uint64_t inode, uint64_t page) {
    const std::lock_guard guard(lock_);
    damaged_.insert({inode, page});
}

std::vector<FileServer::Read> FileServer::reads() {
    const std::lock_guard guard(lock_);
    return reads_;
}

Error FileServer::forget(uint64_t inode, uint64_t page, uint64_t pages) {
    return vm_.call(cpu_, process_, VmCall::Forgetcachepage, {{0, kDevice, block_of(inode, page) * kPageSize, pages}}).outcome();
}

void FileServer::wait_until_served() {
    while (!vm_.processes().file_desk().served()) std::this_thread::yield();
}

void FileServer::end() {
    if (ending_.exchange(true)) return;
    held_ = false;
    // It may be between two calls.
    std::atomic<bool> joined{false};
    std::thread interrupter([&] {
        for (; !joined; std::this_thread::yield()) vm_.interrupt(process_);
    });
    for (std::thread& thread : threads_) thread.join();
    joined = true;
    interrupter.join();
    (void)vm_.exit(cpu_, process_);
}

void FileServer::serve(CpuId cpu) {
    while (!ending_) {
        const Message request = vm_.call(cpu, process_, VmCall::VfsWait, {});
        if (request.outcome() == Error::None) answer(cpu, request);
    }
}

void FileServer::answer(CpuId cpu, const Message& request) {
    const auto work = static_cast<FileWork>(request.words[2] & 0xffff'ffff);
    const uint64_t pages = request.words[2] >> 32, offset = request.words[6];
    if (work == FileWork::Close) {
        ++closed_;
        return;
    }
    if (work == FileWork::Lookup) {
        if (offset == kBadDescriptor) return (void)reply(cpu, request.words[1], Error::BadDescriptor, 0);
        if (offset == kUnreadable) return (void)reply(cpu, request.words[1], Error::AccessDenied, 0);
        if (reply(cpu, request.words[1], Error::None, offset) == 0) ++opened_;
        return;
    }
    {
        const std::lock_guard guard(lock_);
        reads_.push_back({request.words[5], offset / kPageSize, pages});
    }
    while (held_) std::this_thread::yield();
    if (ending_) return;
    (void)reply(cpu, request.words[1], read(cpu, request.words[5], offset / kPageSize, pages), 0);
}

// The pages that there are, one after the other.
Error FileServer::read(CpuId cpu, uint64_t inode, uint64_t page, uint64_t pages) {
    const Result<VirtualAddress> buffer = vm_.mmap(cpu, process_, pages * kPageSize);
    if (!buffer.ok()) return buffer.error();
    Error error = Error::None;
    for (uint64_t i = 0; i < pages && error == Error::None; ++i) {
        const VirtualAddress at = buffer.value() + i * kPageSize;
        {
            const std::lock_guard guard(lock_);
            if (damaged_.contains({inode, page + i})) error = Error::InputOutput;
        }
        if (page + i >= file_pages_) error = Error::BadAddress;
        if (error != Error::None) break;
        error = vm_.write(cpu, process_, at, word_of(inode, page + i));
        if (error == Error::None) error = vm_.write(cpu, process_, at + (kPageSize - 8), ~word_of(inode, page + i));
        if (error != Error::None) break;
        const uint64_t flags = once_ == inode ? uint64_t{kCacheOnce} << 32 : 0;
        const Message set{{0, at.raw(), kDevice, block_of(inode, page + i) * kPageSize, inode, (page + i) * kPageSize, 1 | flags}};
        error = vm_.call(cpu, process_, VmCall::Setcachepage, set).outcome();
    }
    (void)vm_.munmap(cpu, process_, buffer.value(), pages * kPageSize);
    return error;
}

uint64_t FileServer::reply(CpuId cpu, uint64_t request, Error outcome, uint64_t inode) {
    const Message answer{{0, request, static_cast<uint64_t>(to_register(outcome)), inode + 1000, kDevice, inode}};
    const Message told = vm_.call(cpu, process_, VmCall::VfsReply, answer);
    return told.outcome() == Error::None ? told.words[1] : 1;
}

}  // namespace shoal::vm::test
