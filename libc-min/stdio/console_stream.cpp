// stdout and stderr: lines gathered and written to the kernel's console whole, so that lines of several threads and processes
// do not mix.
#include <initializer_list>

#include "libc-min/format/formatter.hpp"
#include "libc-min/include/errno.h"
#include "libc-min/include/stdio.h"
#include "libc-min/include/string.h"
#include "libc-min/thread/lock_word.hpp"
#include "libc-min/thread/platform.hpp"

using shoal::libc::Lock;
using shoal::libc::LockGuard;

SHOAL_C_BEGIN

// platform::print() takes at most 1,024 bytes.
struct shoal_stream {
    Lock lock;
    size_t used GUARDED_BY(lock) = 0;
    char buffer[1024] GUARDED_BY(lock) = {};

    void flush_locked() REQUIRES(lock) {
        if (used == 0) return;
        shoal::libc::platform::print(buffer, used);
        used = 0;
    }
    void put_locked(const char* text, size_t bytes) REQUIRES(lock) {
        for (size_t i = 0; i < bytes; ++i) {
            buffer[used++] = text[i];
            if (text[i] == '\n' || used == sizeof buffer) flush_locked();
        }
    }
    void put(const char* text, size_t bytes) EXCLUDES(lock) {
        LockGuard guard(lock);
        put_locked(text, bytes);
    }
};

SHOAL_C_END

namespace {

using Stream = SHOAL_C_NAME(shoal_stream);

constinit Stream output_stream, error_stream;

// For the formatter, which runs under the stream's lock: one call, one piece of text.
void write_locked(void* state, const char* text, size_t bytes)
    SHOAL_TSA(no_thread_safety_analysis) {
    auto* stream = static_cast<Stream*>(state);
    stream->put_locked(text, bytes);
}

}  // namespace

SHOAL_C_BEGIN

FILE* const stdout = &output_stream;
FILE* const stderr = &error_stream;

int vfprintf(FILE* stream, const char* format, va_list arguments) {
    LockGuard guard(stream->lock);
    shoal::libc::Sink sink(write_locked, stream);
    return shoal::libc::format(sink, format, arguments);
}

int vprintf(const char* format, va_list arguments) { return vfprintf(stdout, format, arguments); }

int fprintf(FILE* stream, const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const int length = vfprintf(stream, format, arguments);
    va_end(arguments);
    return length;
}

int printf(const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const int length = vfprintf(stdout, format, arguments);
    va_end(arguments);
    return length;
}

size_t fwrite(const void* block, size_t size, size_t count, FILE* stream) {
    stream->put(static_cast<const char*>(block), size * count);
    return count;
}

int fputs(const char* text, FILE* stream) {
    stream->put(text, strlen(text));
    return 0;
}

int fputc(int c, FILE* stream) {
    const char character = static_cast<char>(c);
    stream->put(&character, 1);
    return static_cast<unsigned char>(character);
}

int putc(int c, FILE* stream) { return fputc(c, stream); }
int putchar(int c) { return fputc(c, stdout); }

int puts(const char* text) {
    LockGuard guard(stdout->lock);
    stdout->put_locked(text, strlen(text));
    stdout->put_locked("\n", 1);
    return 0;
}

int fflush(FILE* stream) {
    for (Stream* each : {&output_stream, &error_stream}) {
        if (stream != nullptr && stream != each) continue;
        LockGuard guard(each->lock);
        each->flush_locked();
    }
    return 0;
}

void perror(const char* text) { fprintf(stderr, "%s: %s\n", text, strerror(errno)); }

SHOAL_C_END
