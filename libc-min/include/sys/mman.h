/* Memory, anonymous or a file's. A shared map of a file can only be read. */
#pragma once

#include <stddef.h>

#include "base/c_linkage.h"
#include "sys/types.h"

#define PROT_NONE 0
#define PROT_READ 1
#define PROT_WRITE 2
#define PROT_EXEC 4

#define MAP_SHARED 0x01
#define MAP_PRIVATE 0x02
#define MAP_FIXED 0x10
#define MAP_ANONYMOUS 0x20
#define MAP_ANON MAP_ANONYMOUS
#define MAP_GROWSDOWN 0x100
#define MAP_POPULATE 0x8000
#define MAP_FIXED_NOREPLACE 0x100000
#define MAP_FAILED ((void*)-1)

#define MADV_NORMAL 0
#define MADV_DONTNEED 4
#define MADV_NOHUGEPAGE 15

SHOAL_C_BEGIN
void* mmap(void* address, size_t bytes, int protection, int flags, int file, off_t offset);
int munmap(void* address, size_t bytes);
int mprotect(void* address, size_t bytes, int protection);
/* MADV_DONTNEED takes effect; advice about page sizes is accepted and has none. */
int madvise(void* address, size_t bytes, int advice);
SHOAL_C_END
