// The block at a thread's FS base: what the System V x86-64 ABI wants there (a pointer to itself), then the library's state of
// that thread. Its thread-local variables lie right below it (TLS variant II). A pthread_t is its address.
//
//   guard | stack, growing down ... | thread-local variables | ThreadBlock
//
// All of it is one mapping, except for the first thread, whose block and small TLS lie in the image.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "abi/endpoint.hpp"

namespace shoal::libc {

struct ThreadBlock {
    enum State : uint32_t { kJoinable, kDetached, kExited };

    ThreadBlock* self = this;       // FS:0
    std::atomic<uint32_t> alive{1};  // the kernel clears it, and wakes, when the thread is off its stack for good
    std::atomic<uint32_t> state{kJoinable};
    Endpoint endpoint{};
    void* (*start)(void*) = nullptr;
    void* argument = nullptr;
    void* result = nullptr;
    void* mapping = nullptr;
    size_t mapping_bytes = 0;
    size_t guard_bytes = 0;          // at the mapping's low end
    ThreadBlock* next = nullptr;     // in the list of the retired
};

inline ThreadBlock* this_thread() {
    ThreadBlock* block;
    asm("mov %%fs:0, %0" : "=r"(block));
    return block;
}

// The program's thread-local segment (PT_TLS of its image).
struct TlsImage {
    const char* initial;  // the first file_bytes of each thread's variables; the rest is zero
    size_t file_bytes, memory_bytes, alignment;

    static TlsImage of_program();
    // Bytes to set aside below a block, so that a block aligned to 64 has variables of the right alignment.
    [[nodiscard]] size_t bytes_below_block() const;
    void initialize_below(ThreadBlock* block) const;
};

}  // namespace shoal::libc
