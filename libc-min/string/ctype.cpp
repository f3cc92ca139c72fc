#include "libc-min/include/ctype.h"

namespace {

constexpr bool within(int c, int low, int high) { return c >= low && c <= high; }
constexpr int kCaseDistance = 'a' - 'A';

}  // namespace

SHOAL_C_BEGIN

int isdigit(int c) { return within(c, '0', '9'); }
int islower(int c) { return within(c, 'a', 'z'); }
int isupper(int c) { return within(c, 'A', 'Z'); }
int isalpha(int c) { return within(c, 'a', 'z') || within(c, 'A', 'Z'); }
int isalnum(int c) { return isalpha(c) || within(c, '0', '9'); }
int isblank(int c) { return c == ' ' || c == '\t'; }
int iscntrl(int c) { return within(c, 0, 31) || c == 127; }
int isgraph(int c) { return within(c, 33, 126); }
int isprint(int c) { return within(c, 32, 126); }
int ispunct(int c) { return isgraph(c) && !isalnum(c); }
int isspace(int c) { return c == ' ' || within(c, '\t', '\r'); }
int isxdigit(int c) { return within(c, '0', '9') || within(c, 'a', 'f') || within(c, 'A', 'F'); }
int tolower(int c) { return within(c, 'A', 'Z') ? c + kCaseDistance : c; }
int toupper(int c) { return within(c, 'a', 'z') ? c - kCaseDistance : c; }

SHOAL_C_END
