#include "servers/vm/loader/image_loader.hpp"

#include "servers/vm/calls/mapping.hpp"
#include "servers/vm/calls/user_memory.hpp"
#include "servers/vm/loader/initial_stack.hpp"

namespace shoal::vm {

namespace {

constexpr uint64_t kStackBytes = 8 << 20;

}  // namespace

Error ImageSource::read(uint64_t offset, void* to, uint64_t bytes) const {
    return copy_from_user(context_, space_, bytes_.start + offset, to, bytes, waiter_);
}

Error ImageLoader::check() {
    ElfHeader header{};
    reason_ = ElfReason::TooShort;
    if (source_.size() < sizeof(header)) return Error::BadExecutable;
    if (const Error error = source_.read(0, &header, sizeof(header)); error != Error::None) return error;
    image_ = ElfImage{};
    reason_ = image_.check_header(header, source_.size());
    if (reason_ != ElfReason::None) return Error::BadExecutable;
    ElfSegment segments[ElfImage::kMaxHeaders];
    const Error error =
        source_.read(header.program_headers, segments, header.program_header_count * sizeof(ElfSegment));
    if (error != Error::None) return error;
    reason_ = image_.check_segments(header, segments, source_.size());
    return reason_ == ElfReason::None ? Error::None : Error::BadExecutable;
}

namespace {

Error build_stack(InitialStack& stack, const ProgramArguments& arguments, const ElfImage& image) {
    return stack
        .build(AddressLayout::kStackTop, arguments.strings, arguments.count, arguments.bytes,
               {image.entry(), image.headers_at(), image.header_count()})
        .error();
}

}  // namespace

Error ImageLoader::check_arguments(const ProgramArguments& arguments) const {
    InitialStack stack;
    return build_stack(stack, arguments, image_);
}

VirtualRange ImageLoader::stack_pages() { return {AddressLayout::kStackTop - kStackBytes, AddressLayout::kStackTop}; }

// The segments from this one on, then the stack, all closed to faults. A failure takes back what was mapped on the way.
Error ImageLoader::map_from(unsigned segment) {
    if (segment == image_.count()) {
        const RegionAttributes attributes{Access::read_write(), RegionTraits::GrowsDown, RegionWork::Changing};
        return insert_over(context_, destination_, stack_pages(), attributes).error();
    }
    const VirtualRange pages = image_[segment].pages;
    const RegionAttributes attributes{image_[segment].access, RegionTraits::Loaded, RegionWork::Changing};
    if (const Result<void> mapped = insert_over(context_, destination_, pages, attributes); !mapped.ok()) return mapped.error();
    const Error error = map_from(segment + 1);
    if (error != Error::None) take_back(context_, destination_, pages);
    return error;
}

void ImageLoader::open() {
    for (unsigned i = 0; i < image_.count(); ++i) open_regions(context_, destination_, image_[i].pages);
    open_regions(context_, destination_, stack_pages());
}

Error ImageLoader::map() {
    if (const Error error = map_from(0); error != Error::None) return error;
    open();
    Segment::Guard guard(context_.locks(), destination_.common().lock);
    destination_.heap_start = destination_.heap_end = image_.end();
    return Error::None;
}

Error ImageLoader::copy_piece(const ImageSegment& segment, VirtualAddress to, uint64_t bytes) {
    char page[kPageSize];
    const Error error = source_.read(segment.offset + (to - segment.start), page, bytes);
    return error != Error::None ? error : fill_image(context_, destination_, page, to, bytes, source_.waiter());
}

Error ImageLoader::fill(VirtualAddress& cursor, unsigned pages, FrameGroup& group) {
    unsigned filled = 0;
    for (unsigned i = 0; i < image_.count(); ++i) {
        const ImageSegment& segment = image_[i];
        const VirtualAddress end = segment.start + segment.file_bytes;
        if (cursor < segment.start) cursor = segment.start;
        while (cursor < end) {
            if (pages-- == 0) return Error::Again;
            if (filled++ % FrameGroup::kFrames == 0) group.begin();
            const uint64_t room = kPageSize - cursor.page_offset(), rest = end - cursor;
            const uint64_t piece = rest < room ? rest : room;
            if (const Error error = copy_piece(segment, cursor, piece); error != Error::None) return error;
            cursor = cursor + piece;
        }
    }
    return Error::None;
}

Error ImageLoader::put_arguments(const ProgramArguments& arguments, VirtualAddress& pointer) {
    InitialStack stack;
    if (const Error error = build_stack(stack, arguments, image_); error != Error::None) return error;
    pointer = stack.pointer();
    return fill_image(context_, destination_, stack.contents(), stack.pointer(), stack.bytes(), source_.waiter());
}

}  // namespace shoal::vm
