#include "base/error.hpp"
#include "libc-min/include/errno.h"
#include "libc-min/include/string.h"

namespace {

const char* text_of(int number) {
    switch (number) {
        case EDOM: return "argument outside the function's domain";
        case EILSEQ: return "bad sequence of characters";
        case EOVERFLOW: return "value too large for its type";
        default: return shoal::error_text(static_cast<shoal::Error>(number));
    }
}

}  // namespace

SHOAL_C_BEGIN

char* strerror(int number) { return const_cast<char*>(text_of(number)); }

SHOAL_C_END
