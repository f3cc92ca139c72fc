#include "servers/vm/leaf/run_forest.hpp"

namespace shoal::vm {

RunTree* RunForest::first_tree_reaching(unsigned page) const {
    RunTree* tree = trees_.floor(page);
    if (tree == nullptr) return trees_.first();
    return page < tree->span_.end ? tree : trees_.next(*tree);
}

Run* RunForest::first_reaching(unsigned page) const {
    for (RunTree* tree = first_tree_reaching(page); tree != nullptr; tree = trees_.next(*tree))
        if (Run* run = tree->first_reaching(page)) return run;
    return nullptr;
}

bool RunForest::crossed(unsigned at) const {
    const RunTree* tree = over(at);
    return tree != nullptr && tree->span_.first < at;
}

void RunForest::drop(SlabCaches& slabs, RunTree& tree) {
    if (recent_ == &tree) recent_ = nullptr;
    tree.clear(slabs);
    trees_.remove(tree);
    slabs.destroy(&tree);
}

void RunForest::drop_recent_if_empty(SlabCaches& slabs) {
    if (recent_is_empty()) drop(slabs, *recent_);
}

void RunForest::use(SlabCaches& slabs, RunTree& tree) {
    if (recent_ == &tree) return;
    drop_recent_if_empty(slabs);
    recent_ = &tree;
}

RunTree& RunForest::plant(SlabCaches& slabs, PageSpan span) {
    RunTree* tree = slabs.create_reserved<RunTree>(span);
    trees_.insert(*tree);
    return *tree;
}

// The trees in the span, which none crosses, become one with its borders.
RunTree& RunForest::unite(SlabCaches& slabs, PageSpan span) {
    RunTree* tree = first_tree_reaching(span.first);
    if (tree == nullptr || tree->span_.first >= span.end) return plant(slabs, span);
    while (RunTree* next = trees_.next(*tree)) {
        if (next->span_.first >= span.end) break;
        tree->append(slabs, *next);
        drop(slabs, *next);
    }
    tree->span_ = span;
    return *tree;
}

// The most of `within` around the page that is in no tree; the page is in none.
PageSpan RunForest::gap_around(unsigned page, PageSpan within) const {
    const RunTree* below = trees_.floor(page);
    const RunTree* above = below == nullptr ? trees_.first() : trees_.next(*below);
    if (below != nullptr && below->span_.end > within.first) within.first = below->span_.end;
    if (above != nullptr && above->span_.first < within.end) within.end = above->span_.first;
    return within;
}

// Makes the region's tree, or what is nearest to it, the recent one. A tree that crosses the region's borders is one whose regions
// have changed; who changed them is on his way here and cuts it, and until then it serves as it is.
void RunForest::adapt(SlabCaches& slabs, PageSpan region, unsigned page) {
    drop_recent_if_empty(slabs);  // its region may have gone
    if (!crossed(region.first) && !crossed(region.end)) return use(slabs, unite(slabs, region));
    RunTree* tree = over(page);
    use(slabs, tree != nullptr ? *tree : plant(slabs, gap_around(page, region)));
}

void RunForest::remove(SlabCaches& slabs, const PageTable& table, PageSpan span) {
    for (RunTree* tree = first_tree_reaching(span.first); tree != nullptr && tree->span_.first < span.end;) {
        RunTree* next = trees_.next(*tree);
        tree->remove(slabs, table, span);
        if (tree->empty() && tree != recent_) drop(slabs, *tree);
        tree = next;
    }
}

// What is above `between` becomes a tree of its own; between the two is no page, nor a run that crosses it.
void RunForest::divide(SlabCaches& slabs, RunTree& tree, PageSpan between) {
    RunTree& upper = plant(slabs, {between.end, tree.span_.end});
    tree.move_upper(upper);
    tree.span_.end = between.first;
    for (RunTree* half : {&tree, &upper})
        if (half->empty() && half != recent_) drop(slabs, *half);
}

void RunForest::cut(SlabCaches& slabs, PageSpan span) {
    drop_recent_if_empty(slabs);
    for (RunTree* tree = first_tree_reaching(span.first); tree != nullptr && tree->span_.first < span.end;) {
        RunTree* next = trees_.next(*tree);
        if (tree->span_.first >= span.first) tree->span_.first = span.end;
        else if (tree->span_.end <= span.end) tree->span_.end = span.first;
        else divide(slabs, *tree, span);
        tree = next;
    }
}

void RunForest::isolate(SlabCaches& slabs, const PageTable& table, PageSpan span) {
    drop_recent_if_empty(slabs);
    for (const unsigned at : {span.first, span.end}) {
        if (!crossed(at)) continue;
        RunTree& tree = *over(at);
        tree.end_vacancy(slabs);
        tree.part(slabs, table, at);
        divide(slabs, tree, {at, at});
    }
}

void RunForest::clear(SlabCaches& slabs) {
    while (RunTree* tree = trees_.first()) drop(slabs, *tree);
}

size_t RunForest::runs() const {
    size_t runs = 0;
    trees_.for_each([&](const RunTree& tree) { runs += tree.size(); });
    return runs;
}

bool RunForest::sound() const {
    if (!trees_.sound()) return false;
    bool good = true;
    unsigned end = 0;
    trees_.for_each([&](const RunTree& tree) {
        good = good && tree.sound() && tree.span_.first >= end && !tree.span_.empty() && (!tree.empty() || &tree == recent_);
        end = tree.span_.end;
    });
    return good;
}

}  // namespace shoal::vm
