#include "servers/vm/main/boot.hpp"

#include "abi/kernel_call_stubs.hpp"
#include "servers/vm/calls/mapping.hpp"
#include "servers/vm/calls/range_operation.hpp"
#include "servers/vm/calls/space_birth.hpp"
#include "servers/vm/calls/user_memory.hpp"
#include "servers/vm/fault/attempt.hpp"
#include "servers/vm/leaf/leaf_pages.hpp"
#include "servers/vm/loader/image_loader.hpp"

namespace shoal::vm {

namespace {

// Where the boot image's modules lie in RS' space: behind their table.
constexpr VirtualAddress kModules{kBootImageAddress + (uint64_t{256} << 20)};
constexpr RegionAttributes kReadWrite{Access::read_write()}, kReadOnly{Access::read()};

FrameRange frames_of(const BootModule& module) {
    return {FrameNumber::of(module.start), PageCount::covering(module.bytes).raw()};
}

bool has_name(const char* name, const char* wanted) {
    while (*name != 0 && *name == *wanted) ++name, ++wanted;
    return *name == *wanted;
}

void copy_bytes(char* to, const char* from, uint64_t bytes) { __builtin_memcpy(to, from, bytes); }

// Makes a module's frames pages of the space.
Result<void> adopt(WorkerContext& context, Space& space, VirtualAddress start, FrameRange frames) {
    const VirtualRange range = VirtualRange::of(start, PageCount{frames.count}.bytes());
    TRY(insert_over(context, space, range, kReadWrite));
    for (uint64_t i = 0; i < frames.count; ++i) {
        const VirtualAddress address = start + i * kPageSize;
        TRY(reserve_for_touch(context));
        Leaf* leaf = obtain_leaf(context, space, address);
        if (leaf == nullptr) return Error::NoMemory;
        TRY(space.quota.charge(context.locks(), context.slabs(), PageCount{1}));
        Guard guard(context.locks(), leaf->lock);
        map_page(context, *leaf, leaf->pages_of(range), page_in_leaf(address), frames.first + i, Access::read_write());
    }
    return {};
}

// Puts the modules into RS' space and lists all but RS' own, which is returned.
Result<BootImage::Entry> map_boot_image(WorkerContext& context, Space& space, const BootInfo& info, BootImage& image) {
    BootImage::Entry rs{};
    image.cpus = info.cpus;
    copy_bytes(image.command_line, info.command_line, sizeof image.command_line);
    VirtualAddress at = kModules;
    for (uint32_t i = 0; i < info.modules; ++i) {
        const BootModule& module = info.module[i];
        if (has_name(module.name, "vm")) {
            context.frames().free_range(frames_of(module));
            continue;
        }
        TRY(adopt(context, space, at, frames_of(module)));
        BootImage::Entry& entry = has_name(module.name, "rs") ? rs : image.entry[image.count++];
        copy_bytes(entry.name, module.name, sizeof entry.name);
        entry.start = at;
        entry.bytes = module.bytes;
        at = at + frames_of(module).count * kPageSize;
    }
    if (rs.bytes == 0) return Error::NoEntry;
    return rs;
}

Result<void> publish(WorkerContext& context, Space& space, const BootImage& image) {
    const VirtualAddress at{kBootImageAddress};
    TRY(insert_over(context, space, VirtualRange::of(at, kPageSize), kReadOnly));
    return Result<void>{fill_image(context, space, &image, at, sizeof image, {})};
}

struct EntryPoint {
    VirtualAddress entry, stack;
};

// Nothing else runs yet, so all is done in one go.
Result<EntryPoint> load(WorkerContext& context, Space& space, const BootImage::Entry& file) {
    const ImageSource source(context, space, VirtualRange::of(file.start, file.bytes), {});
    ImageLoader loader(context, source, space);
    TRY(Result<void>{loader.check()});
    TRY(Result<void>{loader.map()});
    VirtualAddress cursor = loader.first_byte();
    Error error = Error::Again;
    FrameGroup group(context.frames());
    while (error == Error::Again) error = loader.fill(cursor, kPagesPerLeaf, group);
    EntryPoint start{loader.entry(), {}};
    if (error == Error::None) error = loader.put_arguments({"rs", 1, sizeof "rs"}, start.stack);
    if (error != Error::None) return error;
    return start;
}

// RS' own file is not needed any more once it is loaded.
Result<void> forget(WorkerContext& context, Space& space, const BootImage::Entry& file) {
    const VirtualRange range = VirtualRange::of(file.start, PageCount::covering(file.bytes).bytes());
    TRY(RangeOperation::reserve(context));
    (void)RangeOperation::start(context, space, Receipt{}, {RangeKind::Unmap, {}, range, range.start, {}});
    return {};
}

}  // namespace

ArenaHeader* make_arena(const BootInfo& info) {
    FrameRange modules[BootInfo::kMaxModules];
    for (uint32_t i = 0; i < info.modules; ++i) modules[i] = frames_of(info.module[i]);
    const ArenaPlan plan{info.memory, info.ranges, modules, info.modules, info.cpus, info.process_slots};
    uint64_t pages = 0;
    for (uint32_t i = 0; i < info.ranges; ++i) pages += info.memory[i].count;
    const PageCount memory{pages};
    Result<Arena::Formatted> made = Arena::format(plan, ProcessTable::bytes_for(info.process_slots, info.cpus, memory));
    if (!made.ok()) return nullptr;
    ArenaHeader* header = made->header;
    header->processes = ProcessTable::create(made->extra, info.process_slots, info.cpus, memory);
    return header;
}

Result<void> start_rs(WorkerContext& context, const BootInfo& info) {
    const ProcessId process = ProcessId::of(kRsSlot, 1);
    Space& space = *TRY(create_space(context, process, context.cpu(), context.processes.memory(), Standing::Server));
    BootImage image{};
    const BootImage::Entry file = TRY(map_boot_image(context, space, info, image));
    TRY(publish(context, space, image));
    const EntryPoint start = TRY(load(context, space, file));
    TRY(forget(context, space, file));
    return kernel_calls::process_start(kRs, start.entry, start.stack, start.stack.raw(), context.cpu().raw());
}

}  // namespace shoal::vm
