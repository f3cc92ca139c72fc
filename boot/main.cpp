// boot_main(): the first C++ of the kernel, in its final place, on the boot CPU with boot's small page tables.
#include <cstring>

#include "boot/decode/command_line.hpp"
#include "boot/decode/multiboot2.hpp"
#include "boot/firmware_tables.hpp"
#include "boot/kernel_map.hpp"
#include "boot/memory_layout.hpp"
#include "boot/qemu_config.hpp"
#include "boot/version.hpp"
#include "kernel/smp/console/console.hpp"
#include "kernel/smp/machine_description.hpp"
#include "kernel/smp/memory/direct_map.hpp"
#include "kernel/smp/panic/end.hpp"
#include "kernel/smp/panic/panic.hpp"

namespace shoal::boot {
namespace {

using smp::LogLevel;
namespace console = smp::console;

constexpr uint64_t kBootMapEnd = uint64_t{4} << 30;  // of boot's own tables
constexpr uint64_t kMegabyte = 1 << 20;

constinit smp::MachineDescription this_machine;
constinit smp::EarlyFrames frames;
constinit LoaderInformation loader;
constinit BadWords bad_words;

void read_loader_information(uint32_t magic, uint32_t information) {
    if (magic != kLoaderMagic) smp::panic("started by no Multiboot2 loader (magic %x)", magic);
    const ByteView bytes{smp::memory::direct<uint8_t>(PhysicalAddress{information}),
                         kBootMapEnd - information};
    if (!decode_loader_information(bytes, loader)) smp::panic("the boot loader's information is damaged");
}

void read_options() {
    memcpy(this_machine.command_line, loader.command_line, sizeof this_machine.command_line);
    this_machine.power.on_qemu = on_qemu();
    if (this_machine.power.on_qemu) {
        char more[smp::MachineDescription::kCommandLineBytes];
        const size_t bytes = read_appended_options(more, sizeof more);
        if (!append_to_line(this_machine.command_line, sizeof this_machine.command_line, more, bytes))
            loader.command_line_cut = true;
    }
    parse_command_line(this_machine.command_line, this_machine.options, bad_words);
    console::configure(this_machine);
}

// Module frames are not free until VM gets them.
void keep_modules() {
    for (const LoadedModule& module : loader.modules) {
        if (module.start + module.bytes > kBootMapEnd || module.start % kPageSize != 0) {
            console::log(LogLevel::Warning, "module %s is out of reach and left out", module.name);
            continue;
        }
        smp::Module kept{{}, PhysicalAddress{module.start}, module.bytes};
        memcpy(kept.name, module.name, sizeof kept.name);
        this_machine.modules.push(kept);
        reserve_bytes(frames, {module.start, module.start + module.bytes});
    }
}

void lay_out_memory(uint32_t information) {
    this_machine.frames = &frames;
    this_machine.memory_bytes = find_free_memory(loader, frames);
    const uint64_t image = smp::memory::physical(kernel_image_bytes().data()).raw();
    const uint64_t image_end = image + kernel_image_bytes().size();
    this_machine.kernel_image = {FrameNumber{image >> kPageShift}, (image_end - image) >> kPageShift};
    reserve_bytes(frames, {image, image_end});
    reserve_bytes(frames, {information, information + loader.bytes});
    keep_modules();
    keep_memory(loader, this_machine);
    this_machine.trampoline = frames.take_below(PhysicalAddress{kMegabyte});
    if (this_machine.trampoline.raw() == 0) smp::panic("no free page below 1 MiB, where other CPUs start");
}

void complain() {
    if (loader.command_line_cut)
        console::log(LogLevel::Warning, "the boot line is too long and was cut");
    for (const BadWord& word : bad_words)
        console::log(LogLevel::Warning, "boot option not understood: %s", word.text);
    if (loader.dropped != 0 || frames.lost_frames() != 0)
        console::log(LogLevel::Warning, "the memory map has too many pieces: %u entries, %lu frames unused",
                     loader.dropped, frames.lost_frames());
    if (this_machine.cpus_ignored != 0)
        console::log(LogLevel::Warning, "%u CPUs beyond the %lu that can be used", this_machine.cpus_ignored,
                     kMaxCpus);
}

void introduce() {
    console::log(LogLevel::Info, "Shoal %s (%s)", kVersion, kBuildType);
    console::log(LogLevel::Info, "boot line: %s", this_machine.command_line);
    console::log(LogLevel::Info, "memory: %lu MiB usable, %s map, modules: %u", this_machine.memory_bytes / kMegabyte,
                 loader.from_efi ? "UEFI" : "BIOS", this_machine.modules.count);
    console::log(LogLevel::Info, "CPUs found: %u, I/O APICs: %u, HPET: %s, PM timer: %s", this_machine.cpus.count,
                 this_machine.io_apics.count, this_machine.hpet.raw() != 0 ? "yes" : "no",
                 this_machine.pm_timer.counter.present() ? "yes" : "no");
}

}  // namespace

extern "C" [[noreturn]] void boot_main(uint32_t magic, uint32_t information) {
    read_loader_information(magic, information);
    read_options();
    lay_out_memory(information);
    this_machine.framebuffer = loader.framebuffer;
    load_kernel_map(loader, this_machine);
    read_firmware_tables(loader.rsdp, this_machine);
    keep_devices(this_machine);
    console::configure(this_machine);
    smp::configure_end(this_machine.power, this_machine.options.end);
    introduce();
    complain();
    smp::start(this_machine);
}

}  // namespace shoal::boot
