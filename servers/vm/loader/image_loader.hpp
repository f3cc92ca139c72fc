// ImageLoader: an executable on its way into an empty space, in steps: check the file, map its segments and a stack, fill their
// pages, write the arguments. It keeps nothing between two steps but what its caller keeps: a cursor. So each step checks the
// file again; one that changes meanwhile is refused, or loaded with what it held when it was read.
#pragma once

#include "servers/vm/frames/frame_group.hpp"
#include "servers/vm/loader/elf_image.hpp"
#include "servers/vm/requests/waiter.hpp"

namespace shoal::vm {

// The file: bytes in some space.
class ImageSource {
  public:
    // waiter: as copy_from_user().
    ImageSource(WorkerContext& context, Space& space, VirtualRange bytes, Waiter waiter)
        : context_(context), space_(space), bytes_(bytes), waiter_(waiter) {}
    // offset + bytes <= size(). Errors as copy_from_user().
    Error read(uint64_t offset, void* to, uint64_t bytes) const;
    [[nodiscard]] uint64_t size() const { return bytes_.size(); }
    [[nodiscard]] Waiter waiter() const { return waiter_; }

  private:
    WorkerContext& context_;
    Space& space_;
    VirtualRange bytes_;
    Waiter waiter_;
};

// Strings of a program, each ended by NUL; argv[0] first.
struct ProgramArguments {
    const char* strings;
    uint64_t count;
    uint64_t bytes;
};

class ImageLoader {
  public:
    // destination: changed by map(), fill() and put_arguments() only.
    ImageLoader(WorkerContext& context, const ImageSource& source, Space& destination)
        : context_(context), source_(source), destination_(destination) {}

    // First of every step. Errors: BadExecutable (see reason()), those of reading.
    Error check();
    [[nodiscard]] ElfReason reason() const { return reason_; }
    // After check().
    [[nodiscard]] VirtualAddress entry() const { return image_.entry(); }
    [[nodiscard]] VirtualAddress first_byte() const { return image_[0].start; }
    // Whether put_arguments() will take them. Errors: TooBig, Invalid (count and strings disagree).
    Error check_arguments(const ProgramArguments& arguments) const;

    // Errors: Exists, NoMemory; nothing has changed.
    Error map();
    // Copies the file's bytes from `cursor` on, which is in the destination, at most `pages` pages, into frames of groups, and moves the cursor.
    // Again: not all is there yet. Errors as fill_image() and those of reading; the cursor stands where to go on.
    Error fill(VirtualAddress& cursor, unsigned pages, FrameGroup& group);
    // Stack pointer into `stack`. Errors as check_arguments() and fill_image().
    Error put_arguments(const ProgramArguments& arguments, VirtualAddress& stack);

  private:
    [[nodiscard]] static VirtualRange stack_pages();
    Error map_from(unsigned segment);
    void open();
    Error copy_piece(const ImageSegment& segment, VirtualAddress to, uint64_t bytes);

    WorkerContext& context_;
    const ImageSource& source_;
    Space& destination_;
    ElfImage image_;
    ElfReason reason_ = ElfReason::None;
};

}  // namespace shoal::vm
