// libstdc++'s configuration was made for the host's system. What it took from there and Shoal lacks is taken back: futexes and
// the host's threads, which <atomic> would use for waiting.
#pragma once

#include_next <bits/c++config.h>

#undef _GLIBCXX_HAVE_LINUX_FUTEX
#undef _GLIBCXX_HAS_GTHREADS
#undef _GLIBCXX_HAVE_TLS
