#include "servers/vm/leaf/run_tree.hpp"

namespace shoal::vm {

uint64_t RunTree::sum_frames(const PageTable& table, PageSpan span) {
    uint64_t sum = 0;
    for (unsigned page = span.first; page < span.end; ++page) sum += table.get(page).frame().raw();
    return sum;
}

Run* RunTree::first_reaching(unsigned page) const {
    Run* run = runs_.floor(static_cast<uint16_t>(page));
    if (run == nullptr) run = runs_.first();
    else if (page >= run->end_) run = runs_.next(*run);
    return run == nullptr || !run->vacant() ? run : runs_.next(*run);
}

// Not behind the run that grew last.
void RunTree::add_elsewhere(SlabCaches& slabs, PageSpan span, PageState state, uint64_t frame_sum) {
    end_vacancy(slabs);
    Run* before = span.first == 0 ? nullptr : find(span.first - 1);
    if (before != nullptr && before->state_ == state) {
        extend(*before, span.size(), frame_sum);
    } else {
        before = slabs.create_reserved<Run>(span, state, frame_sum);
        runs_.insert(*before);
    }
    latest_ = before;
}

void RunTree::split(SlabCaches& slabs, const PageTable& table, Run& run, unsigned at) {
    SHOAL_ASSERT(run.first_ < at && at < run.end_);
    const PageSpan upper{at, run.end_};
    Run* rest = slabs.create_reserved<Run>(upper, run.state_, sum_frames(table, upper));
    run.end_ = static_cast<uint16_t>(at);
    run.frame_sum_ -= rest->frame_sum_;
    runs_.insert(*rest);
}

void RunTree::part(SlabCaches& slabs, const PageTable& table, unsigned at) {
    Run* run = find(at);
    if (run != nullptr && run->first_ < at) split(slabs, table, *run, at);
}

// After it no run crosses either end of the span.
void RunTree::isolate(SlabCaches& slabs, const PageTable& table, PageSpan span) {
    part(slabs, table, span.first);
    part(slabs, table, span.end);
}

void RunTree::drop(SlabCaches& slabs, Run& run) {
    if (latest_ == &run) latest_ = nullptr;
    runs_.remove(run);
    slabs.destroy(&run);
}

void RunTree::remove(SlabCaches& slabs, const PageTable& table, PageSpan span) {
    end_vacancy(slabs);
    for (Run* run = first_reaching(span.first); run != nullptr && run->first_ < span.end;) {
        const PageSpan part = run->span().intersect(span);
        if (part.first > run->first_ && part.end < run->end_) split(slabs, table, *run, part.end);
        Run* next = runs_.next(*run);
        if (part == run->span()) {
            drop(slabs, *run);
        } else {
            run->frame_sum_ -= sum_frames(table, part);
            // The key moves up within the run's own pages, so the order stays.
            if (part.first == run->first_) run->first_ = static_cast<uint16_t>(part.end);
            else run->end_ = static_cast<uint16_t>(part.first);
        }
        run = next;
    }
}

bool RunTree::merge_with_next(SlabCaches& slabs, Run& run) {
    Run* next = runs_.next(run);
    if (next == nullptr || next->first_ != run.end_ || !(next->state_ == run.state_)) return false;
    run.end_ = next->end_;
    run.frame_sum_ += next->frame_sum_;
    drop(slabs, *next);
    return true;
}

void RunTree::restate(SlabCaches& slabs, const PageTable& table, PageSpan span, PageState state) {
    end_vacancy(slabs);
    isolate(slabs, table, span);
    Run* first = first_reaching(span.first);
    for (Run* run = first; run != nullptr && run->first_ < span.end; run = runs_.next(*run)) run->state_ = state;
    if (first == nullptr) return;
    Run* before = runs_.previous(*first);
    for (Run* run = before != nullptr ? before : first; run != nullptr && run->first_ <= span.end;)
        if (!merge_with_next(slabs, *run)) run = runs_.next(*run);
}

void RunTree::move_upper(RunTree& upper) {
    if (latest_ != nullptr && latest_->first_ >= upper.span_.first) latest_ = nullptr;
    for (Run* run = runs_.last(); run != nullptr && run->first_ >= upper.span_.first; run = runs_.last()) {
        runs_.remove(*run);
        upper.runs_.insert(*run);
    }
}

void RunTree::append(SlabCaches& slabs, RunTree& upper) {
    upper.end_vacancy(slabs);
    upper.latest_ = nullptr;
    Run* border = runs_.last();
    while (Run* run = upper.runs_.first()) {
        upper.runs_.remove(*run);
        runs_.insert(*run);
    }
    if (border != nullptr && !border->vacant()) merge_with_next(slabs, *border);
}

void RunTree::clear(SlabCaches& slabs) {
    while (Run* run = runs_.first()) drop(slabs, *run);
}

bool RunTree::sound() const {
    if (!runs_.sound()) return false;
    bool good = span_.end <= kPagesPerLeaf;
    const Run* before = nullptr;
    runs_.for_each([&](const Run& run) {
        good = good && (run.first_ < run.end_ || (run.vacant() && &run == latest_)) && span_.contains(run.span());
        if (before != nullptr) {
            const bool touching = before->end_ == run.first_;
            good = good && before->end_ <= run.first_ && !(touching && before->state_ == run.state_);
        }
        before = &run;
    });
    return good;
}

}  // namespace shoal::vm
