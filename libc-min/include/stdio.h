/* Formatted output. The only streams are stdout and stderr, both the console, both line-buffered. */
#pragma once

#include <stdarg.h>
#include <stddef.h>

#include "base/c_linkage.h"

#define EOF (-1)

SHOAL_C_BEGIN
struct shoal_stream;
typedef struct shoal_stream FILE;
extern FILE* const stdout;
extern FILE* const stderr;

int printf(const char* format, ...) __attribute__((format(printf, 1, 2)));
int fprintf(FILE* stream, const char* format, ...) __attribute__((format(printf, 2, 3)));
int snprintf(char* to, size_t bytes, const char* format, ...) __attribute__((format(printf, 3, 4)));
int sprintf(char* to, const char* format, ...) __attribute__((format(printf, 2, 3)));
int vprintf(const char* format, va_list arguments) __attribute__((format(printf, 1, 0)));
int vfprintf(FILE* stream, const char* format, va_list arguments) __attribute__((format(printf, 2, 0)));
int vsnprintf(char* to, size_t bytes, const char* format, va_list arguments)
    __attribute__((format(printf, 3, 0)));
int vsprintf(char* to, const char* format, va_list arguments) __attribute__((format(printf, 2, 0)));

int fputs(const char* text, FILE* stream);
int puts(const char* text);
int fputc(int c, FILE* stream);
int putc(int c, FILE* stream);
int putchar(int c);
size_t fwrite(const void* block, size_t size, size_t count, FILE* stream);
int fflush(FILE* stream);
void perror(const char* text);
SHOAL_C_END
