#include "kernel/smp/console/console.hpp"

#include <atomic>
#include <cstdarg>

#include "base/lock/spin_lock.hpp"
#include "kernel/smp/console/backlog.hpp"
#include "kernel/smp/console/framebuffer_text.hpp"
#include "kernel/smp/console/serial_port.hpp"
#include "kernel/smp/console/format.hpp"

namespace shoal::smp::console {
namespace {

constexpr uint16_t kCom1 = 0x3f8;

constinit SpinLock<KernelRank::Console> lock;
constinit LockContext boot_context{CpuId{0}};
constinit LockContextOfThisCpu context_of_this_cpu = nullptr;
constinit std::atomic<bool> lock_is_broken{false};

constinit Serial16550 serial GUARDED_BY(lock);
constinit FramebufferText screen GUARDED_BY(lock);
constinit Backlog backlog GUARDED_BY(lock);
constinit LogLevel threshold GUARDED_BY(lock) = LogLevel::Info;

// Holds the console's lock unless a panic has broken it: then only the CPU whose turn it is to report prints.
class SCOPED_CAPABILITY Turn {
  public:
    Turn() ACQUIRE(lock) NO_THREAD_SAFETY_ANALYSIS {
        if (lock_is_broken.load(std::memory_order_relaxed)) return;
        context_ = context_of_this_cpu != nullptr ? &context_of_this_cpu() : &boot_context;
        lock.lock(*context_);
    }
    ~Turn() RELEASE() NO_THREAD_SAFETY_ANALYSIS {
        if (context_ != nullptr && lock.held_by(*context_)) lock.unlock(*context_);
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

  private:
    LockContext* context_ = nullptr;
};

void emit(const char* text, uint64_t bytes) REQUIRES(lock) {
    backlog.add(text, bytes);
    if (serial.is_open()) serial.write(text, bytes);
    if (screen.is_open()) screen.write(text, bytes);
}

void emit_all(const char* text) REQUIRES(lock) {
    for (; *text != '\0'; ++text) emit(text, 1);
}

void emit_formatted(const char* pattern, va_list arguments) REQUIRES(lock) {
    format({[](void*, const char* text, size_t bytes) REQUIRES(lock) { emit(text, bytes); }, nullptr}, pattern, arguments);
}

SerialPort port_asked_for(const MachineDescription& machine) {
    using Space = RegisterAddress::Space;
    const ConsoleOption& asked = machine.options.console;
    const RegisterAddress wanted{Space::Port, 1, asked.port != 0 ? asked.port : kCom1};
    SerialPort port = machine.spcr_serial;
    if (!port.present() || (asked.port != 0 && port.registers != wanted)) port = {.registers = wanted};
    if (asked.baud != 0) port.baud = asked.baud;
    return port;
}

void open_serial(const MachineDescription& machine) REQUIRES(lock) {
    const SerialPort port = port_asked_for(machine);
    const bool insisted = machine.options.console.kind == ConsoleOption::Kind::Serial;
    if (serial.is_open_at(port)) return;
    if (!insisted && !Serial16550::answers(port)) return;
    serial.open(port);
    serial.write(backlog.text(), backlog.bytes());
}

void open_screen(const MachineDescription& machine) REQUIRES(lock) {
    if (screen.is_open() || !machine.framebuffer.present() || machine.kernel_root.raw() == 0) return;
    screen.open(machine.framebuffer);
    screen.write(backlog.text(), backlog.bytes());
}

}  // namespace

void configure(const MachineDescription& machine) {
    const Turn turn;
    threshold = machine.options.log;
    using Kind = ConsoleOption::Kind;
    const Kind kind = machine.options.console.kind;
    if (kind == Kind::None || kind == Kind::Framebuffer) serial.close();
    if (kind == Kind::Best || kind == Kind::Serial) open_serial(machine);
    if (kind == Kind::Framebuffer || (kind == Kind::Best && !serial.is_open())) open_screen(machine);
}

void set_lock_context(LockContextOfThisCpu of_this_cpu) { context_of_this_cpu = of_this_cpu; }

void write(const char* text, uint64_t bytes) {
    const Turn turn;
    emit(text, bytes);
}

void print(const char* format, ...) {
    const Turn turn;
    va_list arguments;
    va_start(arguments, format);
    emit_formatted(format, arguments);
    va_end(arguments);
}

void log(LogLevel level, const char* format, ...) {
    const Turn turn;
    if (level > threshold) return;
    constexpr const char* kMarks[] = {"error: ", "warning: ", "", "debug: "};
    emit_all("shoal: ");
    emit_all(kMarks[static_cast<unsigned>(level)]);
    va_list arguments;
    va_start(arguments, format);
    emit_formatted(format, arguments);
    va_end(arguments);
    emit("\n", 1);
}

void drain() {
    const Turn turn;
    if (serial.is_open()) serial.drain();
}

void break_lock() { lock_is_broken.store(true, std::memory_order_relaxed); }

}  // namespace shoal::smp::console
