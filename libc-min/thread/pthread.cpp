// Threads of a process: made by the kernel on a stack of ours, ended by the kernel clearing a word of ours.
#include "libc-min/include/pthread.h"

#include "abi/kernel_call_stubs.hpp"
#include "abi/kernel_info.hpp"
#include "libc-min/heap/heap.hpp"
#include "libc-min/include/errno.h"
#include "libc-min/thread/platform.hpp"
#include "libc-min/thread/stack_pool.hpp"
#include "libc-min/thread/thread_block.hpp"

using shoal::Endpoint;
using shoal::Result;
using shoal::VirtualAddress;
using shoal::libc::stack_pool;
using shoal::libc::this_thread;
using shoal::libc::ThreadBlock;
namespace kernel_calls = shoal::kernel_calls;
namespace platform = shoal::libc::platform;

namespace {

VirtualAddress address_of(const void* pointer) {
    return VirtualAddress{reinterpret_cast<uint64_t>(pointer)};
}

ThreadBlock* block_of(pthread_t thread) { return reinterpret_cast<ThreadBlock*>(thread); }

// The creator may hear our endpoint later than we run; the locks need it as our name at once.
extern "C" [[noreturn, gnu::used]] void shoal_thread_main(ThreadBlock* block) {
    shoal::KernelInfo info;
    (void)kernel_calls::info(address_of(&info), sizeof info);
    block->endpoint = info.self;
    pthread_exit(block->start(block->argument));
}

// RDI: the block. A thread starts with an empty frame and an aligned stack, whatever it was given.
[[gnu::naked]] void thread_entry() {
    asm("xor %ebp, %ebp\n"
        "and $-16, %rsp\n"
        "call shoal_thread_main\n"
        "ud2\n");
}

}  // namespace

SHOAL_C_BEGIN

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*start)(void*),
                   void* argument) {
    pthread_attr_t usual;
    (void)pthread_attr_init(&usual);
    const pthread_attr_t& wanted = attributes == nullptr ? usual : *attributes;
    ThreadBlock* block = stack_pool.allocate(wanted);
    if (block == nullptr) return EAGAIN;
    block->start = start;
    block->argument = argument;
    if (wanted.detached != 0) block->state.store(ThreadBlock::kDetached, std::memory_order_relaxed);

    const size_t tls_bytes = shoal::libc::TlsImage::of_program().bytes_below_block();
    const VirtualAddress stack = address_of(block) - tls_bytes;
    // Before the thread runs, since it may be joined, detached or gone before we hear its endpoint.
    *thread = reinterpret_cast<pthread_t>(block);
    const shoal::Error error =
        kernel_calls::thread_create(address_of(reinterpret_cast<void*>(thread_entry)), stack,
                                    reinterpret_cast<uint64_t>(block),
                                    reinterpret_cast<uint64_t>(block), wanted.cpu)
            .error();
    if (error == shoal::Error::None) return 0;
    stack_pool.release(block);
    return error == shoal::Error::BadCpu ? EINVAL : EAGAIN;
}

void pthread_exit(void* result) {
    ThreadBlock* self = this_thread();
    self->result = result;
    shoal::libc::flush_thread_cache();
    // release: the joiner, which finds kExited or alive cleared, sees the result; acquire: pairs with pthread_detach()
    const uint32_t before = self->state.exchange(ThreadBlock::kExited, std::memory_order_acq_rel);
    if (before == ThreadBlock::kDetached) stack_pool.retire(self);
    (void)kernel_calls::thread_exit(address_of(&self->alive));
    __builtin_unreachable();
}

int pthread_join(pthread_t thread, void** result) {
    ThreadBlock* block = block_of(thread);
    if (block == this_thread()) return EDEADLK;
    if (block->state.load(std::memory_order_relaxed) == ThreadBlock::kDetached) return EINVAL;
    // acquire: pairs with the kernel's store at the thread's end, after which nothing touches its stack
    while (block->alive.load(std::memory_order_acquire) != 0)
        (void)platform::wait_on_word(block->alive, 1);
    if (result != nullptr) *result = block->result;
    stack_pool.release(block);
    return 0;
}

int pthread_detach(pthread_t thread) {
    ThreadBlock* block = block_of(thread);
    uint32_t seen = ThreadBlock::kJoinable;
    // acq_rel: pairs with pthread_exit(): exactly one of the two finds the other's mark and retires the block
    if (block->state.compare_exchange_strong(seen, ThreadBlock::kDetached,
                                             std::memory_order_acq_rel))
        return 0;
    if (seen == ThreadBlock::kDetached) return EINVAL;
    stack_pool.retire(block);
    return 0;
}

pthread_t pthread_self(void) { return reinterpret_cast<pthread_t>(this_thread()); }

int pthread_equal(pthread_t left, pthread_t right) { return left == right; }

SHOAL_C_END
