/* No include guard: assert follows the NDEBUG of each inclusion (ISO C 7.2). */
#include "base/c_linkage.h"

#ifndef SHOAL_ASSERT_DECLARED
#define SHOAL_ASSERT_DECLARED
SHOAL_C_BEGIN
__attribute__((noreturn)) void shoal_assert_failed(const char* expression, const char* file, int line);
SHOAL_C_END
#endif

#undef assert
#ifdef NDEBUG
#define assert(expression) ((void)0)
#else
#define assert(expression) ((expression) ? (void)0 : shoal_assert_failed(#expression, __FILE__, __LINE__))
#endif

#if !defined(__cplusplus) && !defined(static_assert)
#define static_assert _Static_assert
#endif
