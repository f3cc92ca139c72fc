// The printf engine: text and conversions of a format string into a sink.
#pragma once

#include <cstdarg>

#include "libc-min/format/sink.hpp"

namespace shoal::libc {

// Returns the number of characters, as printf does; -1 if that exceeds INT_MAX or the format is malformed. %n is refused: it
// writes memory at the wish of a string.
int format(Sink& sink, const char* text, va_list arguments);

}  // namespace shoal::libc
