// The page cache: blocks of one device. In which file they are nobody sees who has only blocks.
#pragma once

#include "tests/model/reference/space.hpp"

namespace shoal::model {

class ReferenceCache {
  public:
    // Of pages that are present: those before the first that cannot be cached are, even so.
    Error set(ReferenceSpace& space, const Operation& op);
    // None, or the error that a map of these blocks must give.
    Error check_map(const Operation& op) const;
    void map(ReferenceSpace& space, const Operation& op, uint64_t chosen);
    Error forget(const Operation& op);
    // Memory was called in: what nobody has mapped may have given way, until it is seen again.
    void call_in();
    bool may_have_given_way(const Operation& op) const;

  private:
    struct Block {
        std::shared_ptr<Contents> contents;
        bool once = false;  // for whoever maps its file first; as a block nobody can map it
        bool doubtful = false;
    };
    std::map<uint64_t, Block> blocks_;
};

}  // namespace shoal::model
