// Bases of FS and GS: by their instructions where CR4.FSGSBASE lets programs use these too, by MSR otherwise (SDM vol. 3A, 3.4.4).
// A program that loads a selector sets the base that the descriptor has, which is 0: nothing of it is another one's.
#include "kernel/core/machine.hpp"
#include "kernel/smp/features/features.hpp"
#include "kernel/smp/x86/msr.hpp"

namespace shoal::kernel::machine {
namespace {

bool by_instruction() { return smp::features().used().fsgsbase; }

void read(SegmentBases& bases) {
    asm volatile("rdfsbase %0" : "=r"(bases.fs));
    asm volatile("rdgsbase %0" : "=r"(bases.gs));
}

void write(const SegmentBases& bases) {
    asm volatile("wrfsbase %0" : : "r"(bases.fs));
    asm volatile("wrgsbase %0" : : "r"(bases.gs));
}

void write_msr(const SegmentBases& bases) { smp::x86::write_msr(smp::x86::Msr::FsBase, bases.fs); }

}  // namespace

void save_bases(SegmentBases& bases) {
    if (by_instruction()) read(bases);
}

void load_bases(const SegmentBases& bases) { by_instruction() ? write(bases) : write_msr(bases); }

void exchange_bases(SegmentBases& saved, const SegmentBases& loaded) {
    if (!by_instruction()) return write_msr(loaded);
    read(saved);
    write(loaded);
}

}  // namespace shoal::kernel::machine
