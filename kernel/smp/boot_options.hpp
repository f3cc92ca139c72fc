// The boot line's options, decoded. What the kernel does not know is left for the servers in MachineDescription::command_line.
#pragma once

#include <cstdint>

namespace shoal::smp {

enum class ClockChoice : uint8_t { Best, Tsc, Hpet, PmTimer };
enum class EndAction : uint8_t { Best, PowerOff, Reboot, Wait, Qemu };
// What the CPUs try out before they enter the core (kernel/smp/selftest).
enum class SelfTest : uint8_t { None, Machine, LateCpu, StackOverflow };
enum class LogLevel : uint8_t { Error, Warning, Info, Debug };

struct ConsoleOption {
    enum class Kind : uint8_t { Best, Serial, Framebuffer, None };
    Kind kind = Kind::Best;
    uint16_t port = 0;  // 0: the firmware's or COM1
    uint32_t baud = 0;  // 0: the firmware's or 115,200
};

struct BootOptions {
    ConsoleOption console;                    // console=serial|com1..com4|0xPORT[,BAUD] | fb | none
    EndAction end = EndAction::Best;          // end=poweroff|reboot|wait|qemu
    ClockChoice clock = ClockChoice::Best;    // clock=tsc|hpet|pm
    LogLevel log = LogLevel::Info;            // log=error|warning|info|debug
    SelfTest self_test = SelfTest::None;      // selftest | selftest=late-cpu|stack
    uint32_t max_cpus = 0;                    // maxcpus=N; 0: all
    bool trap_by_interrupt = false;           // ipc=trap
    bool x2apic = true, pcid = true, tsc_deadline = true, smap = true, xsave = true, fsgsbase = true;  // nox2apic, nopcid ...
};

}  // namespace shoal::smp
