// Opening: how a file comes by the handle by which VM has it read, and how that is closed.
//
// The object has one handle, however many map it. It is open while it has attachments, or reads under way, which name the handle, or openings: lookups
// that have been answered, and whose calls have not mapped it yet.
#pragma once

#include <utility>

#include "servers/vm/files/file_request.hpp"
#include "servers/vm/requests/worker_context.hpp"

namespace shoal::vm {

// A lookup, answered: the file's object is in use, and open. True: the handle is not wanted, since the file was open already; whether it still is, who
// attaches it finds out (attach_named()). Error: NoMemory; nothing has changed.
Result<bool> open_file(WorkerContext& context, FileRequest& lookup);

// A handle is no longer used. No lock is held.
void close_file(WorkerContext& context, FileRequest& file);
// A lookup's opening ends, and what it has not passed on.
void end_opening(WorkerContext& context, FileRequest& lookup);

// Opening: an answered lookup at hand, until its file has been attached, or will not be.
class Opening {
  public:
    // lookup: nullptr, or answered, perhaps with an error.
    Opening(WorkerContext& context, FileRequest* lookup) : context_(context), lookup_(lookup) {}
    ~Opening() {
        if (lookup_ != nullptr) end_opening(context_, *lookup_);
    }
    Opening(const Opening&) = delete;
    Opening& operator=(const Opening&) = delete;

    [[nodiscard]] FileRequest* get() const { return lookup_; }
    FileRequest* operator->() const { return lookup_; }
    // The file is being attached: the opening, and the use of the file, are the caller's.
    FileRequest& pass_on() { return *std::exchange(lookup_, nullptr); }

  private:
    WorkerContext& context_;
    FileRequest* lookup_;
};

}  // namespace shoal::vm
