// ObjectUse: an object that stays while somebody has it at hand.
#pragma once

#include "servers/vm/calls/object_end.hpp"

namespace shoal::vm {

class ObjectUse {
  public:
    // object: with a use that is ours to give back; nullptr: none.
    ObjectUse(WorkerContext& context, MemoryObject* object) : context_(context), object_(object) {}
    ~ObjectUse() {
        if (object_ != nullptr) release_object(context_, *object_);
    }
    ObjectUse(const ObjectUse&) = delete;
    ObjectUse& operator=(const ObjectUse&) = delete;

    [[nodiscard]] MemoryObject* get() const { return object_; }
    MemoryObject& operator*() const { return *object_; }
    // The use is the caller's from here on.
    MemoryObject* pass_on() {
        MemoryObject* object = object_;
        object_ = nullptr;
        return object;
    }

  private:
    WorkerContext& context_;
    MemoryObject* object_;
};

}  // namespace shoal::vm
