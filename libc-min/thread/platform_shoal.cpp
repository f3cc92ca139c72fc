#include "abi/kernel_call_stubs.hpp"
#include "abi/memory.hpp"
#include "abi/vm_call_stubs.hpp"
#include "libc-min/thread/platform.hpp"
#include "libc-min/thread/thread_block.hpp"

namespace shoal::libc::platform {

namespace {

template <typename T>
VirtualAddress address_of(T* pointer) {
    return VirtualAddress{reinterpret_cast<uint64_t>(pointer)};
}

}  // namespace

Error wait_on_word(std::atomic<uint32_t>& word, uint32_t expected, uint64_t timeout) {
    return kernel_calls::wait_on_address(address_of(&word), expected, timeout).error();
}

void wake_word(std::atomic<uint32_t>& word, uint32_t count) {
    (void)kernel_calls::wake_address(address_of(&word), count);
}

uint32_t thread_name() { return this_thread()->endpoint.raw(); }

uint64_t now() {
    Result<uint64_t> time = kernel_calls::clock();
    return time.ok() ? time.value() : 0;
}

void* map_pages(size_t bytes) {
    Result<VirtualAddress> start = vm_calls::mmap(
        VirtualAddress{0}, bytes, kProtectRead | kProtectWrite, kMapPrivate | kMapAnonymous);
    return start.ok() ? reinterpret_cast<void*>(start->raw()) : nullptr;
}

void unmap_pages(void* start, size_t bytes) { (void)vm_calls::munmap(address_of(start), bytes); }

bool forbid_pages(void* start, size_t bytes) {
    return vm_calls::mprotect(address_of(start), bytes, kProtectNone).ok();
}

void print(const char* text, size_t bytes) {
    (void)kernel_calls::console_write(address_of(text), bytes);
}

void end_process(int status) {
    (void)kernel_calls::process_exit(status);
    __builtin_trap();
}

}  // namespace shoal::libc::platform
