#include "tests/model/isolation/child.hpp"

#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace shoal::model {

namespace {

constexpr unsigned kWaiting = 20;       // times as long as it computes may a child take, for want of a processor
constexpr size_t kMostOfErrors = 4000;  // bytes: an assertion's line, or the head of a sanitizer's report

// A file without a name, which both processes write and read.
class Note {
  public:
    Note() : file_(memfd_create("note", 0)) {
        if (file_ < 0) std::abort();
    }
    ~Note() { close(file_); }
    Note(const Note&) = delete;
    Note& operator=(const Note&) = delete;

    int file() const { return file_; }
    void write(const std::string& text) const {
        if (::write(file_, text.data(), text.size()) != static_cast<ssize_t>(text.size())) std::abort();
    }
    std::string read() const {
        std::string text(static_cast<size_t>(lseek(file_, 0, SEEK_END)), '\0');
        if (pread(file_, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) std::abort();
        return text;
    }

  private:
    int file_;
};

std::string how_it_died(int status, const Note& errors) {
    std::string how = "it ended with status " + std::to_string(WEXITSTATUS(status));
    if (WIFSIGNALED(status)) how = std::string{"it died: "} + strsignal(WTERMSIG(status));
    if (WIFSIGNALED(status) && (WTERMSIG(status) == SIGPROF || WTERMSIG(status) == SIGALRM)) how = "it does not end";
    return how + "\n" + errors.read().substr(0, kMostOfErrors);
}

}  // namespace

std::string run_in_child(const std::function<std::string()>& body) {
    const Note answer, errors;
    std::fflush(nullptr);
    const pid_t child = fork();
    if (child < 0) std::abort();
    if (child == 0) {
        dup2(errors.file(), STDERR_FILENO);
        answer.write(body());
        _exit(0);
    }
    int status = 0;
    if (waitpid(child, &status, 0) != child) std::abort();
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? answer.read() : how_it_died(status, errors);
}

void expect_progress_within(unsigned seconds) {
    const itimerval processor_time{{}, {static_cast<time_t>(seconds), 0}};
    (void)setitimer(ITIMER_PROF, &processor_time, nullptr);
    alarm(kWaiting * seconds);
}

}  // namespace shoal::model
