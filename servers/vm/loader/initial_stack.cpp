#include "servers/vm/loader/initial_stack.hpp"

namespace shoal::vm {

namespace {

// Types of the auxiliary vector's entries.
constexpr uint64_t kHeaders = 3, kHeaderBytes = 4, kHeaderCount = 5, kPageBytes = 6, kEntry = 9, kEnd = 0;

bool strings_match(const char* strings, uint64_t count, uint64_t bytes) {
    uint64_t ends = 0;
    for (uint64_t i = 0; i < bytes; ++i) ends += strings[i] == 0 ? 1 : 0;
    return ends == count && (bytes == 0 || strings[bytes - 1] == 0);
}

}  // namespace

Result<void> InitialStack::build(VirtualAddress top, const char* strings, uint64_t count, uint64_t bytes,
                                 const Facts& facts) {
    if (count > kMaxArguments || bytes > kMaxStringBytes) return Error::TooBig;
    if (!strings_match(strings, count, bytes)) return Error::Invalid;
    const uint64_t string_words = (bytes + sizeof(uint64_t) - 1) / sizeof(uint64_t);
    uint64_t words = 1 + count + 2 + kAuxiliaryWords + string_words;
    words += words % 2;  // the stack pointer is a multiple of 16
    first_ = kWords - words;
    pointer_ = top - words * sizeof(uint64_t);
    const VirtualAddress strings_at = top - string_words * sizeof(uint64_t);
    auto* text = reinterpret_cast<char*>(words_ + kWords - string_words);
    uint64_t at = first_;
    words_[at++] = count;
    for (uint64_t i = 0; i < bytes; ++i) {
        text[i] = strings[i];
        if (i == 0 || strings[i - 1] == 0) words_[at++] = strings_at.raw() + i;
    }
    at += 2;  // the nulls behind arguments and environment
    const uint64_t auxiliary[kAuxiliaryWords] = {kHeaders, facts.headers.raw(), kHeaderBytes, 56, kHeaderCount,
                                                 facts.header_count, kPageBytes, kPageSize, kEntry, facts.entry.raw(),
                                                 kEnd, 0};
    for (const uint64_t word : auxiliary) words_[at++] = word;
    return {};
}

}  // namespace shoal::vm
