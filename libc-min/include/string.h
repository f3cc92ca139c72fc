#pragma once

#include <stddef.h>

#include "base/c_linkage.h"
#include "base/memory/memory.h"

SHOAL_C_BEGIN
void* memchr(const void* block, int c, size_t bytes);
size_t strlen(const char* text);
size_t strnlen(const char* text, size_t limit);
int strcmp(const char* left, const char* right);
int strncmp(const char* left, const char* right, size_t limit);
int strcoll(const char* left, const char* right);
size_t strxfrm(char* to, const char* from, size_t bytes);
char* strcpy(char* to, const char* from);
char* strncpy(char* to, const char* from, size_t bytes);
char* strcat(char* to, const char* from);
char* strncat(char* to, const char* from, size_t limit);
/* OpenBSD's: copies what fits, always ends it; returns strlen(from). */
size_t strlcpy(char* to, const char* from, size_t bytes);
char* strchr(const char* text, int c);
char* strrchr(const char* text, int c);
char* strstr(const char* text, const char* wanted);
size_t strspn(const char* text, const char* accepted);
size_t strcspn(const char* text, const char* rejected);
char* strpbrk(const char* text, const char* accepted);
char* strtok(char* text, const char* separators);
char* strtok_r(char* text, const char* separators, char** rest);
char* strdup(const char* text);
char* strndup(const char* text, size_t limit);
/* The text of an errno or, above 200, of a system error (base/error.hpp). */
char* strerror(int number);
SHOAL_C_END
