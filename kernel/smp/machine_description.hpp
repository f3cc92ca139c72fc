// What boot finds out about the machine and hands to smp::start(). Filled in by boot/, constant afterwards, except for the
// frame allocator, which gives out frames until the VM server is launched and owns the rest.
//
// Every physical address in it that is memory can be read at memory::direct(address); registers of devices are reached
// through memory::map_device() (kernel/smp/memory/direct_map.hpp).
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/address.hpp"
#include "base/cpu.hpp"
#include "kernel/smp/boot_options.hpp"
#include "kernel/smp/memory/early_frames.hpp"

namespace shoal::smp {

// A fixed-capacity list; push() refuses when full, so that an overlong firmware table is cut and never overruns.
template <typename T, size_t capacity>
struct BoundedList {
    T items[capacity]{};
    uint32_t count = 0;

    constexpr bool push(const T& item) {
        if (count == capacity) return false;
        items[count++] = item;
        return true;
    }
    [[nodiscard]] constexpr const T* begin() const { return items; }
    [[nodiscard]] constexpr const T* end() const { return items + count; }
    [[nodiscard]] constexpr T* begin() { return items; }
    [[nodiscard]] constexpr T* end() { return items + count; }
    [[nodiscard]] constexpr bool full() const { return count == capacity; }
};

// A processor that may be started (MADT types 0 and 9, enabled). APIC ids are sparse; ours (CpuId) are given by smp.
struct CpuDescription {
    uint32_t apic_id;
    uint32_t acpi_uid;  // names the CPU in LocalNmi
};

struct IoApicDescription {
    uint32_t id;
    uint32_t first_interrupt;  // its first global system interrupt
    PhysicalAddress registers;
};

// Polarity and trigger of an interrupt line; Bus: as the bus defines it (ISA: active high, edge).
enum class Polarity : uint8_t { Bus, ActiveHigh, ActiveLow };
enum class Trigger : uint8_t { Bus, Edge, Level };

struct InterruptOverride {
    uint8_t isa_line;
    uint32_t global_interrupt;
    Polarity polarity;
    Trigger trigger;
};

// A LINT pin of the local APIC that carries NMI (MADT type 4).
struct LocalNmi {
    static constexpr uint32_t kEveryCpu = ~uint32_t{0};
    uint32_t acpi_uid;
    uint8_t pin;  // LINT number, 0 or 1
    Polarity polarity;
    Trigger trigger;
};

// ACPI Generic Address Structure, cut down to what can be reached (ACPI 6.4, 5.2.3.2). None: absent or of another kind.
struct RegisterAddress {
    enum class Space : uint8_t { None, Memory, Port };
    Space space = Space::None;
    uint8_t bytes = 0;  // width of one access: 1, 2, 4 or 8
    uint64_t address = 0;
    [[nodiscard]] constexpr bool present() const { return space != Space::None; }
    constexpr bool operator==(const RegisterAddress&) const = default;
};

struct PmTimer {  // counts at 3.579545 MHz (ACPI 6.4, 4.8.3.3)
    RegisterAddress counter;
    uint8_t bits = 24;  // 24 or 32
};

// How the machine is switched off and reset (FADT; _S5 of the DSDT).
struct PowerControl {
    RegisterAddress reset;
    uint8_t reset_value = 0;
    RegisterAddress pm1a_control, pm1b_control;
    bool can_power_off = false;  // the sleep types are known
    uint8_t sleep_type_a = 0, sleep_type_b = 0;
    bool on_qemu = false;  // fw_cfg answered: isa-debug-exit may be tried
};

struct Framebuffer {
    PhysicalAddress start;
    uint32_t pitch = 0;  // bytes a line
    uint32_t width = 0, height = 0;
    uint8_t bits_per_pixel = 0;  // 0: none
    uint8_t red_position = 0, green_position = 0, blue_position = 0;
    bool text_mode = false;  // EGA text cells at start instead of pixels
    [[nodiscard]] constexpr bool present() const { return bits_per_pixel != 0; }
};

// A 16550. Where its registers are in memory, the width of an access is also the distance from one to the next.
struct SerialPort {
    static constexpr uint32_t kUsualClock = 1'843'200;
    RegisterAddress registers;      // absent: none known
    uint32_t baud = 115'200;        // 0: the speed that the firmware has set stays
    uint32_t clock = kUsualClock;   // [Hz], sixteen times the highest speed
    [[nodiscard]] constexpr bool present() const { return registers.present(); }
};

struct Module {
    char name[24];          // first word of its line in grub.cfg
    PhysicalAddress start;  // page-aligned
    uint64_t bytes;
};

struct MachineDescription {
    static constexpr size_t kMaxMemoryRanges = 256, kMaxIoApics = 32, kMaxKept = 384, kMaxOverrides = 32, kMaxLocalNmis = 32, kMaxModules = 32;
    static constexpr size_t kCommandLineBytes = 512;

    BoundedList<CpuDescription, kMaxCpus> cpus;  // in firmware order; the boot CPU is among them
    uint32_t cpus_ignored = 0;                   // beyond kMaxCpus
    PhysicalAddress local_apic;                  // MMIO page of the xAPIC
    bool has_8259 = false;                       // PCAT_COMPAT: mask the old controllers first
    BoundedList<IoApicDescription, kMaxIoApics> io_apics;
    BoundedList<InterruptOverride, kMaxOverrides> overrides;
    BoundedList<LocalNmi, kMaxLocalNmis> local_nmis;

    PhysicalAddress hpet;  // 0: none
    PmTimer pm_timer;
    PowerControl power;
    SerialPort spcr_serial;  // what the firmware redirects its console to
    Framebuffer framebuffer;

    PhysicalAddress trampoline;   // one free page below 1 MiB for starting CPUs; identity-mapped in kernel_root
    PhysicalAddress kernel_root;  // top-level table: direct map, kernel image and (entry 0) the trampoline page
    FrameRange kernel_image;
    uint64_t memory_bytes = 0;  // usable, before anything was taken
    BoundedList<FrameRange, kMaxKept> kept;  // no driver's: frames that are memory in part, and what the kernel itself drives; in any order
    EarlyFrames* frames = nullptr;

    BoundedList<Module, kMaxModules> modules;
    BootOptions options;
    char command_line[kCommandLineBytes] = {};  // GRUB's, then fw_cfg's
};

// Kernel/smp's beginning: on the boot CPU, interrupts off, on boot's stack, console up. Never returns.
[[noreturn]] void start(MachineDescription& machine);

}  // namespace shoal::smp
