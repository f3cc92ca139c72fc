// QEMU's fw_cfg device: the file opt/shoal/append is appended to the boot line, so that one medium serves every test.
// (QEMU, docs/specs/fw_cfg: selector at port 0x510, data at 0x511.)
#pragma once

#include <cstddef>

namespace shoal::boot {

// True on a hypervisor where the device gives its signature. Real machines are not asked: nothing says what is at the ports.
bool on_qemu();

// Reads the file, at most `capacity` bytes; 0 if there is none. Only after on_qemu().
size_t read_appended_options(char* buffer, size_t capacity);

}  // namespace shoal::boot
