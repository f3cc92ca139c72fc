/* What libstdc++'s configuration asks the C library for: nothing of glibc is here. */
#pragma once

#define __GLIBC_PREREQ(major, minor) 0
