// Ledger: what the audit has come across. Whoever holds a frame or an object enters it; at the end every frame must have been
// entered once, and as many objects as the slabs count as alive.
#pragma once

#include "servers/vm/audit/audit.hpp"

namespace shoal::vm {

class Ledger {
  public:
    // Forgets all earlier entries.
    Ledger(WorkerContext& context, AuditReport& report);

    // The frame is of this kind and belongs to the one who says so. owner: in words.
    void enter_frame(FrameNumber frame, FrameKind kind, const char* owner);
    // Likewise a page that is counted: by each who holds a reference to it.
    void enter_reference(FrameNumber frame);
    void enter_objects(SlabType type, uint64_t objects = 1) { objects_[static_cast<size_t>(type)] += objects; }
    [[nodiscard]] FrameTable frames() const { return frames_; }
    // An object has so many attachments; here is one.
    void expect_attachments(uint64_t attachments) { expected_attachments_ += attachments; }
    void enter_attachment() {
        enter_objects(SlabType::Attachment);
        ++attachments_;
    }
    // A process is watched by another one; here is one that watches.
    void expect_watch() {
        enter_objects(SlabType::Watch);
        ++expected_watches_;
    }
    void enter_watch() { ++watches_; }
    // After all have entered theirs.
    void close(WorkerContext& context);

    AuditReport& report;

  private:
    // FrameInfo's mark: what the audit knows of a frame.
    enum Mark : uint8_t { kUnknown, kEntered, kCounted };

    void close_frames(WorkerContext& context);
    void close_objects(WorkerContext& context);

    FrameTable frames_;
    uint64_t objects_[kSlabTypes] = {};
    uint64_t expected_attachments_ = 0, attachments_ = 0;
    uint64_t expected_watches_ = 0, watches_ = 0;
};

}  // namespace shoal::vm
