// driver: reaches devices as a driver does, with rs.role=driver: their memory, and memory that they may be told of.
//
// The machine is QEMU's q35 with BIOS, which puts the configuration space of PCI Express (PCI Express Base 5.0, 7.2.2) at 2,816 MiB, and its
// tables below 1 MiB.
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "abi/kernel_call_stubs.hpp"
#include "abi/memory.hpp"
#include "abi/vm_call_stubs.hpp"
#include "libc-min/process.hpp"
#include "tests/guest/verdict.hpp"

namespace shoal::test {
namespace {

constexpr PhysicalAddress kConfiguration{0xb000'0000}, kHpet{0xfed0'0000}, kLocalApic{0xfee0'0000}, kFirmware{0xf'0000}, kMemory{16 << 20};
constexpr uint64_t kFirmwareBytes = 0x1'0000, kPage = 4096;
constexpr ProcessId kSelfProcess{};

uint8_t* pointer(VirtualAddress address) { return reinterpret_cast<uint8_t*>(address.raw()); }

Result<VirtualAddress> map(PhysicalAddress start, uint64_t bytes, uint64_t protection) {
    return vm_calls::map_phys(kSelfProcess, start, bytes, protection);
}

void read_registers(Verdict& verdict) {
    const Result<VirtualAddress> at = map(kConfiguration, 256, kProtectRead);
    if (!at.ok()) return verdict.fail("the host bridge's registers cannot be mapped: %s", error_text(at.error()));
    constexpr uint32_t kQ35HostBridge = 0x29c0'8086;  // device and vendor
    SHOAL_EXPECT(verdict, *reinterpret_cast<volatile uint32_t*>(pointer(at.value())) == kQ35HostBridge);
    const Result<PhysicalAddress> place = vm_calls::getphys(kSelfProcess, at.value() + 8);
    SHOAL_EXPECT(verdict, place.ok() && place.value() == kConfiguration + 8);
    // Only the process itself sees it.
    SHOAL_EXPECT(verdict, kernel_calls::console_write(at.value(), 16).error() == Error::BadAddress);
    SHOAL_EXPECT(verdict, vm_calls::info(kInfoStats, kSelfProcess, at.value(), sizeof(VmStats), {}).error() == Error::BadAddress);
    SHOAL_EXPECT(verdict, vm_calls::unmap_phys(kSelfProcess, at.value()).ok());
    SHOAL_EXPECT(verdict, vm_calls::unmap_phys(kSelfProcess, at.value()).error() == Error::BadAddress);
}

// ACPI 6.4, 5.2.5.1.
void find_tables(Verdict& verdict) {
    const Result<VirtualAddress> at = map(kFirmware, kFirmwareBytes, kProtectRead);
    if (!at.ok()) return verdict.fail("the firmware's memory cannot be mapped: %s", error_text(at.error()));
    bool found = false;
    for (uint64_t offset = 0; offset < kFirmwareBytes; offset += 16)
        found = found || memcmp(pointer(at.value()) + offset, "RSD PTR ", 8) == 0;
    SHOAL_EXPECT(verdict, found);
}

void ask_for_what_is_no_device(Verdict& verdict) {
    SHOAL_EXPECT(verdict, map(kMemory, kPage, kProtectRead).error() == Error::Permission);
    SHOAL_EXPECT(verdict, map(kFirmware, 64 << 20, kProtectRead).error() == Error::Permission);
    SHOAL_EXPECT(verdict, map(PhysicalAddress{uint64_t{1} << 58}, kPage, kProtectRead).error() == Error::Permission);
    SHOAL_EXPECT(verdict, map(kConfiguration, 0, kProtectRead).error() == Error::Invalid);
    for (const PhysicalAddress kernels : {kHpet, kLocalApic})
        SHOAL_EXPECT(verdict, map(kernels, 16, kProtectRead).error() == Error::Permission);
}

void use_contiguous_memory(Verdict& verdict, uint64_t limits, uint64_t end) {
    constexpr uint64_t kPages = 300, kFlags = kMapPrivate | kMapAnonymous | kMapPopulate | kMapContiguous;
    const Result<VirtualAddress> at = vm_calls::mmap({}, kPages * kPage, kProtectRead | kProtectWrite, kFlags | limits);
    if (!at.ok()) return verdict.fail("no contiguous memory below %lx: %s", end, error_text(at.error()));
    const uint64_t first = vm_calls::getphys(kSelfProcess, at.value()).release().raw();
    SHOAL_EXPECT(verdict, first + kPages * kPage <= end);
    for (uint64_t page = 0; page < kPages; ++page) {
        uint8_t* bytes = pointer(at.value() + page * kPage);
        SHOAL_EXPECT(verdict, bytes[0] == 0 && bytes[kPage - 1] == 0);
        memset(bytes, static_cast<int>(page), kPage);
        const Result<PhysicalAddress> place = vm_calls::getphys(kSelfProcess, at.value() + page * kPage);
        SHOAL_EXPECT(verdict, place.ok() && place.value().raw() == first + page * kPage);
    }
    SHOAL_EXPECT(verdict, madvise(pointer(at.value()), kPages * kPage, MADV_DONTNEED) == 0);
    for (uint64_t page = 0; page < kPages; ++page)
        SHOAL_EXPECT(verdict, pointer(at.value() + page * kPage)[7] == static_cast<uint8_t>(page));
    SHOAL_EXPECT(verdict, munmap(pointer(at.value()), kPages * kPage) == 0);
}

// Held, freed by this process, and found by nobody else while it lives.
void hold_for_a_device(Verdict& verdict) {
    constexpr uint64_t kBytes = 20 * kPage, kFlags = kMapPrivate | kMapAnonymous | kMapPopulate | kMapContiguous;
    const Result<VirtualAddress> at = vm_calls::mmap({}, kBytes, kProtectRead | kProtectWrite, kFlags);
    if (!at.ok()) return verdict.fail("no contiguous memory: %s", error_text(at.error()));
    const Result<PhysicalAddress> held = vm_calls::adddma(at.value(), kBytes);
    SHOAL_EXPECT(verdict, held.ok() && vm_calls::adddma(at.value(), kPage).error() == Error::Exists);
    SHOAL_EXPECT(verdict, munmap(pointer(at.value()), kBytes) == 0);
    SHOAL_EXPECT(verdict, vm_calls::getdma().error() == Error::CallDenied);
    SHOAL_EXPECT(verdict, held.ok() && vm_calls::deldma(kSelfProcess, held.value()).ok());
}

// A program without the role may not.
int run_as_plain_program() { return map(kConfiguration, kPage, kProtectRead).error() == Error::Permission ? 0 : 1; }

void start_plain_program(Verdict& verdict) {
    const char* const arguments[] = {"driver", "plain"};
    SpawnOptions options;
    options.name = "driver";
    options.arguments = arguments;
    const Result<Endpoint> child = spawn(options);
    if (!child.ok()) return verdict.fail("the child does not start: %s", error_text(child.error()));
    const Result<EndedChild> ended = wait_child(child.value());
    SHOAL_EXPECT(verdict, ended.ok() && ended.value().status == 0);
}

}  // namespace
}  // namespace shoal::test

int main(int argument_count, char** arguments) {
    using namespace shoal;
    if (argument_count == 2 && strcmp(arguments[1], "plain") == 0) return test::run_as_plain_program();
    test::Verdict verdict("driver");
    test::read_registers(verdict);
    test::find_tables(verdict);
    test::ask_for_what_is_no_device(verdict);
    test::use_contiguous_memory(verdict, 0, ~uint64_t{0});
    test::use_contiguous_memory(verdict, kMapBelow16M | kMapAligned64K, 16 << 20);
    test::hold_for_a_device(verdict);
    test::start_plain_program(verdict);
    return verdict.finish();
}
