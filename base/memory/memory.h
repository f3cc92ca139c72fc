/* The four memory functions that the compiler takes for granted, in kernel, servers and programs alike.
   On the host they are shoal::libc::memcpy and so on (base/c_linkage.h). */
#pragma once

#include <stddef.h>

#include "base/c_linkage.h"

SHOAL_C_BEGIN

void* memcpy(void* destination, const void* source, size_t bytes) SHOAL_NOEXCEPT;
void* memmove(void* destination, const void* source, size_t bytes) SHOAL_NOEXCEPT;
void* memset(void* destination, int value, size_t bytes) SHOAL_NOEXCEPT;
int memcmp(const void* left, const void* right, size_t bytes) SHOAL_NOEXCEPT;

SHOAL_C_END
