// Marks for a timing model that watches the instructions: long NOPs whose displacement says what they mean. On a machine, and
// under emulators that do not look for them, they do nothing.
#pragma once

namespace shoal::bench::marks {

// A stretch is what one CPU measures; the measurement surrounds the stretches of all.
inline void stretch_begin() { asm volatile("nopl 0x5eed0001(%%rax,%%rax,1)" ::: "memory"); }
inline void stretch_end() { asm volatile("nopl 0x5eed0002(%%rax,%%rax,1)" ::: "memory"); }
inline void measure_on() { asm volatile("nopl 0x5eed0003(%%rax,%%rax,1)" ::: "memory"); }
inline void measure_off() { asm volatile("nopl 0x5eed0004(%%rax,%%rax,1)" ::: "memory"); }

}  // namespace shoal::bench::marks
