"""Members of types, from gdb's words."""
import unittest

from shoal.sim import layouts

TEXT = """class shoal::vm::Segment {
                             private:
                               static const shoal::vm::SlabType kSlabType;
                             public:
/*      0      |       4 */    class shoal::SpinLock<(shoal::VmRank)1> {
                                 private:
/*      0      |       4 */        struct std::atomic<unsigned int> [with _Tp = unsigned int] : public std::__atomic_base<_Tp> {
                                       static const bool is_always_lock_free;

                                       /* total size (bytes):    4 */
                                   } word_;

                                   /* total size (bytes):    4 */
                               } lock;
/* XXX  4-byte hole      */
/*      8      |       8 */    shoal::vm::Request *waiting;
/*     16: 0   |       4 */    unsigned int busy_ : 1;
/*     24      |       8 */    void (*construct)(void *);
/*     32      |     256 */    shoal::VirtualRange holes_[16];

                               /* total size (bytes):  288 */
                             }
"""


class Members(unittest.TestCase):
    def setUp(self) -> None:
        self.members = layouts.parse(TEXT)

    def test_paths(self) -> None:
        for offset, path in ((0, "lock.word_"), (3, "lock.word_"), (8, "waiting"), (16, "busy_"), (24, "construct"), (48, "holes_[]"),
                             (287, "holes_[]")):
            self.assertEqual(layouts.find(self.members, offset), path)

    def test_holes_have_no_member(self) -> None:
        self.assertEqual(layouts.find(self.members, 4), "")
        self.assertEqual(layouts.find(self.members, 288), "")


if __name__ == "__main__":
    unittest.main()
