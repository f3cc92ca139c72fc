#include "tests/unit/rs/fake_system.hpp"

#include <cstring>

namespace shoal::rs::test {

namespace {

FakeSystem* the_system = nullptr;

}  // namespace

FakeSystem::FakeSystem(const std::string& command_line, const std::vector<std::string>& programs) {
    the_system = this;
    std::strncpy(image.command_line, command_line.c_str(), sizeof image.command_line - 1);
    add("pm");
    for (const std::string& name : programs) add(name);
}
FakeSystem::~FakeSystem() { the_system = nullptr; }
FakeSystem& FakeSystem::instance() { return *the_system; }

void FakeSystem::add(const std::string& name) {
    BootImage::Entry& entry = image.entry[image.count];
    std::memcpy(entry.name, name.data(), name.size());
    entry.start = start_of(image.count);
    entry.bytes = kImageBytes;
    ++image.count;
}

std::optional<Error> FakeSystem::failure_at(Step step) {
    if (!failure_ || failure_->first != step) return std::nullopt;
    const Error error = failure_->second;
    failure_.reset();
    return error;
}

}  // namespace shoal::rs::test

namespace shoal::rs::platform {

using test::FakeSystem;
using test::Step;

namespace {

// Writes the step down, unless it is to fail.
std::optional<Error> at(Step step, const std::string& what) {
    FakeSystem& system = FakeSystem::instance();
    const std::optional<Error> error = system.failure_at(step);
    if (!error) system.note(what);
    return error;
}

}  // namespace

ProcessId self() { return ProcessId::of(kRsSlot, 1); }

Result<void> create_space(ProcessId process, Endpoint endpoint) {
    if (const auto error = at(Step::Space, "space " + std::to_string(process.slot()) + " " + std::to_string(endpoint.slot())))
        return *error;
    return {};
}

Result<EntryPoint> load_image(const LoadRequest& request) {
    const std::string name(request.arguments);
    const bool complete = request.argument_count == 1 && request.argument_bytes == name.size() + 1 &&
                          request.source == self() && request.image_bytes == FakeSystem::kImageBytes;
    if (const auto error = at(Step::Load, (complete ? "load " : "bad load ") + name)) return *error;
    return EntryPoint{VirtualAddress{0x40'0000}, VirtualAddress{0x7fff'0000}, 0};
}

Result<void> unmap(VirtualAddress start, uint64_t bytes) {
    const uint64_t index = (start - FakeSystem::start_of(0)) >> 16;
    if (const auto error = at(Step::Unmap, "unmap " + std::to_string(index) + " " + std::to_string(bytes))) return *error;
    return {};
}

Result<uint64_t> audit() {
    FakeSystem::instance().note("audit");
    return FakeSystem::instance().audit_faults;
}

Result<void> start_process(Endpoint process, const EntryPoint& start) {
    const std::string what = start.entry.raw() == 0x40'0000 ? "start " : "bad start ";
    if (const auto error = at(Step::Start, what + std::to_string(process.slot()))) return *error;
    return {};
}

Result<Endpoint> spawn_program(const SpawnOptions& options) {
    FakeSystem& system = FakeSystem::instance();
    if (const auto error = at(Step::Spawn, "spawn")) return *error;
    for (const char* argument : options.arguments) system.program_arguments.emplace_back(argument);
    system.program_bytes = options.image_bytes;
    return FakeSystem::kProgram;
}

}  // namespace shoal::rs::platform
