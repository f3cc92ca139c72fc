// Around declarations and definitions of C functions: they get their C names in the guest, and namespace shoal::libc on the
// host, so that tests there can hold them against the host's own functions of the same names. SHOAL_C_NAME: such a name, where
// it is used elsewhere in C++. Included from C too.
#pragma once

#if !defined(__cplusplus)
#define SHOAL_C_BEGIN
#define SHOAL_C_END
#define SHOAL_NOEXCEPT
#elif __STDC_HOSTED__ == 0
#define SHOAL_C_BEGIN extern "C" {
#define SHOAL_C_END }
#define SHOAL_C_NAME(name) ::name
#define SHOAL_NOEXCEPT noexcept
#else
#define SHOAL_C_BEGIN namespace shoal::libc {
#define SHOAL_C_END }
#define SHOAL_C_NAME(name) ::shoal::libc::name
#define SHOAL_NOEXCEPT noexcept
#endif
