// RunForest: the phys-region trees of one leaf: a tree for each region that has pages there.
//
// A tree lies in one region, and knows its borders but not the region: merging regions, or splitting one elsewhere, leaves it
// alone. Who moves a region's border cuts the trees when he visits the leaf (Segment (b)); until then one may reach beyond. Where
// regions have grown or become one, the trees follow at the next fault that looks the region up: a region may have two trees for a while,
// never a tree two regions.
//
// A tree is made with its first page and goes with its last, but for the one that was used last: it may stay empty, and outlive its
// region, until another takes its place. So a page that is unmapped and mapped again costs no tree either (RunTree::vacate()).
//
// Every function needs the leaf's lock. Where one takes PageTable: before the entries change.
#pragma once

#include "servers/vm/leaf/run_tree.hpp"

namespace shoal::vm {

class RunForest {
  public:
    // Trees and runs that a change may need at worst, to be ensured before: isolating the middle of a tree takes two of each.
    static constexpr uint32_t kMostNewTrees = 2, kMostNewRuns = RunTree::kMostNewRuns;

    [[nodiscard]] Run* find(unsigned page) const {
        const RunTree* tree = over(page);
        return tree == nullptr ? nullptr : tree->find(page);
    }
    // The tree's span that holds the resident page: it lies in the page's region.
    [[nodiscard]] PageSpan span_over(unsigned page) const { return over(page)->span_; }
    // The first run that ends behind the page, or nullptr. Never a vacant one.
    [[nodiscard]] Run* first_reaching(unsigned page) const;
    // The run that is all of a region's tree, if the region's pages are the span; or nullptr.
    [[nodiscard]] Run* whole(PageSpan span) const {
        const RunTree* tree = exactly(span);
        return tree == nullptr ? nullptr : tree->over(span);
    }

    // Adds a page that is not resident yet to its region's tree. region: its pages here, or some of them.
    [[gnu::always_inline]] void add(SlabCaches& slabs, const PageTable& table, PageSpan region, unsigned page, PageState state,
                                    FrameNumber frame) {
        if (!is_recent(region)) [[unlikely]] adapt(slabs, region, page);
        recent_->add(slabs, table, page, state, frame);
    }
    // Likewise all pages of a span of the region. False: the trees are not yet as the region is; add them one by one.
    [[nodiscard]] bool add_all(SlabCaches& slabs, const PageTable& table, PageSpan region, PageSpan span, PageState state,
                               uint64_t frame_sum) {
        if (!is_recent(region)) adapt(slabs, region, span.first);
        if (!recent_->span_.contains(span)) return false;
        recent_->add_all(slabs, table, span, state, frame_sum);
        return true;
    }
    // Removes the pages of a whole() span. The tree stays.
    [[gnu::always_inline]] void vacate(SlabCaches& slabs, const PageTable& table, PageSpan span) {
        if (!is_recent(span)) [[unlikely]] use(slabs, *exactly(span));
        recent_->vacate(slabs, table, span);
    }
    // Removes the resident pages of the span. Takes no tree.
    void remove(SlabCaches& slabs, const PageTable& table, PageSpan span);
    // Gives the resident pages of a span of one tree the state.
    void restate(SlabCaches& slabs, const PageTable& table, PageSpan span, PageState state) {
        over(span.first)->restate(slabs, table, span, state);
    }

    // The span, without pages, belongs no longer to the regions that it was of.
    void cut(SlabCaches& slabs, PageSpan span);
    // The span belongs to other regions than what lies beside it: no tree crosses either end.
    void isolate(SlabCaches& slabs, const PageTable& table, PageSpan span);
    // Forgets all pages.
    void clear(SlabCaches& slabs);

    // Visits the runs, ascending.
    template <typename Visit>
    void for_each(Visit visit) const {
        trees_.for_each([&](const RunTree& tree) { tree.for_each(visit); });
    }
    // No page is resident.
    [[nodiscard]] bool empty() const { return trees_.empty() || (trees_.size() == 1 && recent_is_empty()); }

    // For tests and the audit.
    template <typename Visit>
    void for_each_tree(Visit visit) const {
        trees_.for_each(visit);
    }
    [[nodiscard]] size_t trees() const { return trees_.size(); }
    [[nodiscard]] size_t runs() const;  // a vacant one too
    [[nodiscard]] bool sound() const;

  private:
    using Trees = AvlTree<RunTree, &RunTree::hook_, RunTree::FirstPage>;

    [[nodiscard]] RunTree* over(unsigned page) const {
        if (recent_ != nullptr && recent_->span_.contains(page)) return recent_;
        RunTree* tree = trees_.floor(page);
        return tree != nullptr && tree->span_.contains(page) ? tree : nullptr;
    }
    [[nodiscard]] RunTree* exactly(PageSpan span) const {
        if (is_recent(span)) [[likely]] return recent_;
        RunTree* tree = trees_.floor(span.first);
        return tree != nullptr && tree->span_ == span ? tree : nullptr;
    }
    [[nodiscard]] bool is_recent(PageSpan span) const { return recent_ != nullptr && recent_->span_ == span; }
    [[nodiscard]] bool recent_is_empty() const { return recent_ != nullptr && recent_->empty(); }
    // The first tree that ends behind the page, or nullptr.
    [[nodiscard]] RunTree* first_tree_reaching(unsigned page) const;
    [[nodiscard]] bool crossed(unsigned at) const;
    void use(SlabCaches& slabs, RunTree& tree);
    void drop_recent_if_empty(SlabCaches& slabs);
    void drop(SlabCaches& slabs, RunTree& tree);
    RunTree& plant(SlabCaches& slabs, PageSpan span);
    RunTree& unite(SlabCaches& slabs, PageSpan span);
    [[nodiscard]] PageSpan gap_around(unsigned page, PageSpan within) const;
    void adapt(SlabCaches& slabs, PageSpan region, unsigned page);
    void divide(SlabCaches& slabs, RunTree& tree, PageSpan between);

    Trees trees_;
    RunTree* recent_ = nullptr;  // where the last page was added or vacated
};

}  // namespace shoal::vm
