#pragma once

#include <stddef.h>

#include "base/c_linkage.h"

#define EXIT_SUCCESS 0
#define EXIT_FAILURE 1

SHOAL_C_BEGIN
int atoi(const char* text);
long atol(const char* text);
long long atoll(const char* text);
long strtol(const char* text, char** end, int base);
long long strtoll(const char* text, char** end, int base);
unsigned long strtoul(const char* text, char** end, int base);
unsigned long long strtoull(const char* text, char** end, int base);

int abs(int value);
long labs(long value);
long long llabs(long long value);

#define RAND_MAX 2147483647
int rand(void);
void srand(unsigned seed);

void qsort(void* base, size_t count, size_t size, int (*compare)(const void*, const void*));
void* bsearch(const void* key, const void* base, size_t count, size_t size,
              int (*compare)(const void*, const void*));

void* malloc(size_t bytes);
void* calloc(size_t count, size_t size);
void* realloc(void* block, size_t bytes);
void free(void* block);
void* aligned_alloc(size_t alignment, size_t bytes);
int posix_memalign(void** block, size_t alignment, size_t bytes);
size_t malloc_usable_size(void* block);

char* getenv(const char* name);
int atexit(void (*function)(void));
__attribute__((noreturn)) void exit(int status);
__attribute__((noreturn)) void _Exit(int status);
__attribute__((noreturn)) void abort(void);
SHOAL_C_END
