// What the library did to the platform under it (platform_host.cpp), for tests to look at.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "libc-min/thread/thread_block.hpp"

namespace shoal::test {

// Mapped and not unmapped again.
size_t mapped_bytes();

// What the linker knows of a program's thread-local variables; empty, for tests to fill.
inline libc::TlsImage tls_image{nullptr, 0, 0, 1};

// Collects what the library prints, piece by piece, while it lives; otherwise it goes to standard error. One at a time.
class CapturedConsole {
  public:
    CapturedConsole();
    ~CapturedConsole();
    CapturedConsole(const CapturedConsole&) = delete;
    CapturedConsole& operator=(const CapturedConsole&) = delete;

    std::vector<std::string> pieces;
};

}  // namespace shoal::test
