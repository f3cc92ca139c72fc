// RunTree: the phys-region tree of one region in one leaf: which of its pages there are resident, and in what state.
//
// Runs are as long as they can be: neighbours in equal state are one run. Every function needs the leaf lock. Changes read
// the frames of the pages concerned from the table, so they come before the entries are cleared.
//
// The run that grew last may be vacant: its pages were unmapped, and it waits in its place for the next page there, which then
// costs no node and no search. No other run is, and no change but that page leaves it so.
//
// The trees of a leaf, and what becomes of them when regions change: RunForest.
#pragma once

#include "servers/vm/leaf/page_entry.hpp"
#include "servers/vm/leaf/run.hpp"
#include "servers/vm/slab/slab_caches.hpp"

namespace shoal::vm {

class RunTree {
  public:
    static constexpr SlabType kSlabType = SlabType::RunTree;
    static constexpr uint32_t kStock = 8;
    // Runs that a change may need at worst, to be ensured before: a page between two unlike neighbours takes one, cutting
    // out of the middle of a run one, restating a middle two.
    static constexpr uint32_t kMostNewRuns = 2;

    // span: the pages of the region in the leaf; none of the tree lies outside.
    explicit RunTree(PageSpan span) : span_(span) {}
    [[nodiscard]] PageSpan span() const { return span_; }

    // The run that holds the page, or nullptr.
    [[nodiscard]] Run* find(unsigned page) const {
        Run* run = runs_.floor(static_cast<uint16_t>(page));
        return run != nullptr && page < run->end_ ? run : nullptr;
    }
    // Adds a page that is not resident yet. Sequential touching extends the run that grew last, without a search.
    [[gnu::always_inline]] void add(SlabCaches& slabs, const PageTable& table, unsigned page, PageState state, FrameNumber frame) {
        add_all(slabs, table, {page, page + 1}, state, frame.raw());
    }
    // Likewise all pages of a span, none of which is resident. frame_sum: of their frames.
    [[gnu::always_inline]] void add_all(SlabCaches& slabs, const PageTable& table, PageSpan span, PageState state, uint64_t frame_sum) {
        const bool extends = latest_ != nullptr && latest_->end_ == span.first && latest_->state_ == state;
        if (extends) [[likely]] extend(*latest_, span.size(), frame_sum);
        else add_elsewhere(slabs, span, state, frame_sum);
        // Only a resident next page can begin a run to merge with; its entry tells without a search.
        if (span.end < span_.end && table.get(span.end).held()) [[unlikely]] merge_with_next(slabs, *latest_);
    }
    // The run that holds all of the span, or nullptr.
    [[nodiscard]] Run* over(PageSpan span) const {
        if (is_latest(span)) [[likely]] return latest_;
        Run* run = find(span.first);
        return run != nullptr && span.end <= run->end_ ? run : nullptr;
    }
    // As remove(), but if the span is the run that grew last, that one stays, vacant.
    void vacate(SlabCaches& slabs, const PageTable& table, PageSpan span) {
        if (!is_latest(span)) [[unlikely]] return remove(slabs, table, span);
        latest_->end_ = latest_->first_;
        latest_->frame_sum_ = 0;
    }
    // Removes the resident pages of the span.
    void remove(SlabCaches& slabs, const PageTable& table, PageSpan span);
    // Of a run that is all that its tree has.
    static void restate_only(Run& run, PageState state) { run.state_ = state; }
    // Gives the resident pages of the span the state.
    void restate(SlabCaches& slabs, const PageTable& table, PageSpan span, PageState state);

    template <typename Visit>
    void for_each(Visit visit) const {
        runs_.for_each([&](const Run& run) {
            if (!run.vacant()) visit(run);
        });
    }
    // The first run that ends behind the page, or nullptr. Never a vacant one.
    [[nodiscard]] Run* first_reaching(unsigned page) const;
    // Forgets all pages; the space ends.
    void clear(SlabCaches& slabs);
    // No page is resident.
    [[nodiscard]] bool empty() const { return runs_.empty() || (runs_.size() == 1 && latest_is_vacant()); }
    // Runs, a vacant one too.
    [[nodiscard]] size_t size() const { return runs_.size(); }
    // For tests and the audit.
    [[nodiscard]] bool sound() const;

    static uint64_t sum_frames(const PageTable& table, PageSpan span);

  private:
    friend class RunForest;
    struct FirstPage {
        unsigned operator()(const RunTree& tree) const { return tree.span_.first; }
    };
    // Splits the run over the page, so that none crosses its lower border.
    void part(SlabCaches& slabs, const PageTable& table, unsigned at);
    // The runs from `upper`'s first page on become its; none crosses it.
    void move_upper(RunTree& upper);
    // Takes over the runs of a tree that begins behind this one's end, and leaves it empty.
    void append(SlabCaches& slabs, RunTree& upper);

    [[nodiscard]] bool is_latest(PageSpan span) const { return latest_ != nullptr && latest_->span() == span; }
    [[nodiscard]] bool latest_is_vacant() const { return latest_ != nullptr && latest_->vacant(); }
    void end_vacancy(SlabCaches& slabs) {
        if (latest_is_vacant()) drop(slabs, *latest_);
    }
    static void extend(Run& run, unsigned pages, uint64_t frame_sum) {
        run.end_ = static_cast<uint16_t>(run.end_ + pages);
        run.frame_sum_ += frame_sum;
    }
    void add_elsewhere(SlabCaches& slabs, PageSpan span, PageState state, uint64_t frame_sum);
    void split(SlabCaches& slabs, const PageTable& table, Run& run, unsigned at);
    void isolate(SlabCaches& slabs, const PageTable& table, PageSpan span);
    bool merge_with_next(SlabCaches& slabs, Run& run);
    void drop(SlabCaches& slabs, Run& run);

    AvlHook hook_;  // in the forest
    PageSpan span_;
    AvlTree<Run, &Run::hook_, Run::FirstPage> runs_;
    Run* latest_ = nullptr;  // where the last page was added
};

}  // namespace shoal::vm
