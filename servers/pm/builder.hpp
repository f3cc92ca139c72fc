// Makes a process: kernel slot, privileges, space, image, shares, start. A step that fails ends what the steps before made, by
// the way in which every process ends, so that there is one way to take a process apart (reaper.hpp).
#pragma once

#include "abi/pm_calls.hpp"
#include "base/result.hpp"
#include "servers/pm/platform/platform.hpp"
#include "servers/pm/process_table.hpp"

namespace shoal::pm {

class Builder {
  public:
    explicit Builder(ProcessTable& table) : table_(table) {}

    // asker: the thread of `parent` in whose space the request lies.
    Result<Endpoint> spawn(ProcessRecord& parent, Endpoint asker, VirtualAddress request);

  private:
    Result<void> check_request() const;
    Result<platform::StoredImage> find_image(const ProcessRecord& parent) const;
    Result<void> build(const ProcessRecord& parent, const ProcessRecord& child,
                       const platform::StoredImage& image);
    Result<void> share_memory(const ProcessRecord& parent, const ProcessRecord& child) const;

    ProcessTable& table_;
    SpawnRequest request_;  // our copy: the asker cannot change it under our eyes
};

}  // namespace shoal::pm
