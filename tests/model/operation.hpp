// One step of a model test: what a program can do to an address space, and what it saw.
#pragma once

#include <cstdint>
#include <string>

#include "base/address.hpp"
#include "base/error.hpp"

namespace shoal::model {

// Renew: the process ends, and an empty one takes its place. Fork: so does the other, and then becomes a copy of the space. Clear: an exec
// begins. Touch: a server makes a range present. Reach: likewise the other, by a copy of what it has been granted. Remap: shared memory comes to the other space, too; flags 1: only to be read.
// CacheSet, CacheMap, CacheForget: of the one device, blocks from `value` on; CacheSet first makes the range present. CacheForget of no bytes: all.
// MapFile: the one file, its pages from `value` on. FileForget: pages of it are no longer cached, which nobody notices.
// JointMap: the range comes to the other space, too, at `value`, by a grant (flags: JointFlags). JointUnmap: what one such map has brought to the
// address is taken back; JointRevoke: what all maps by the space's grant number `value` have brought.
// Update: the space and the other, the new instance of a server, change places. WillExit: the process is about to end. Rights: from now on it may
// make the calls for the system that the mask `value` has.
// Watch: the space wants to hear of the other's end. Signal: the space is sent one, and the other hears of it; flags 1: whoever wants to. News: what
// the space has heard.
// MapDevice: bytes of the one device, from `value` on. MapImage: as an exec does, the file from its page `value` on; flags: bytes to clear at the end.
// UnmapShared, Physical, References: of the space's memory at the address, asked for by the other. Hold: the memory may be told to a device;
// EndHold: no longer, of all that is held number `value`, asked for by the space. LostHold: some memory of a process that has ended. Regions: all that is mapped in the space.
// MemoryControl: rs_memctl of the space, `value` says what. Prepare: an update of the space by the other is made ready. Load: into the space, the
// image number `value` (images.hpp), or if there is none the range of the other's (flags: LoadFlags). AwaitNews: as News, but where there is none a thread
// of the space waits for some. Answer: what one of those who have waited has been told.
enum class Kind : uint8_t {
    Map, Unmap, Protect, DontNeed, Brk, Read, Write, Execute, Share, Renew, Fork, Clear, Touch, Remap, MapFile, FileForget, CacheSet, CacheMap, CacheForget,
    JointMap, JointUnmap, JointRevoke, Update, WillExit, Rights, Watch, Signal, News, MapDevice, UnmapDevice, MapImage, UnmapShared, Physical,
    References, Hold, EndHold, LostHold, Regions, MemoryControl, Prepare, Load, AwaitNews, Answer, Reach
};
inline constexpr unsigned kKinds = 44;

// Words of a page that reads and writes use: both ends and one between, so that a page that was moved, cut or not zeroed
// shows.
inline constexpr unsigned kWordsUsed = 3;
inline constexpr uint16_t kWordIndex[kWordsUsed] = {0, 37, 511};

// The device's memory.
inline constexpr uint64_t kDeviceStart = uint64_t{1} << 48, kDeviceBytes = 2048 * kPageSize;

// Of JointMap: the mode, the number of the source's grant, and which space has passed it on, by a grant of the same number.
struct JointFlags {
    static constexpr unsigned kGrantShift = 8, kPasserShift = 16;
    static constexpr uint64_t kNobody = 0xff;
    uint64_t mode, grant, passer;
    static constexpr JointFlags of(uint64_t flags) { return {flags & 0xff, flags >> kGrantShift & 0xff, flags >> kPasserShift & 0xff}; }
    [[nodiscard]] constexpr uint64_t word() const { return mode | grant << kGrantShift | passer << kPasserShift; }
};

// Of CacheSet and CacheMap: the page of the device's file that the first block is, if it is to be known as that; of CacheSet: for one use.
struct CacheFlagsOf {
    static constexpr uint64_t kInFile = 1 << 16, kOnce = 1 << 17;
    uint64_t file_page;
    bool in_file, once;
    static constexpr CacheFlagsOf of(uint64_t flags) { return {flags & 0xffff, (flags & kInFile) != 0, (flags & kOnce) != 0}; }
};

// Of Load: how many arguments are said to be there, and how many bytes they have: one string, the last byte is its end.
struct LoadFlags {
    uint64_t arguments, bytes;
    static constexpr LoadFlags of(uint64_t flags) { return {flags & 0xff, flags >> 8}; }
    [[nodiscard]] constexpr uint64_t word() const { return arguments | bytes << 8; }
};
constexpr char argument_letter(uint64_t index, uint64_t bytes) { return index + 1 == bytes ? '\0' : static_cast<char>('a' + index % 26); }

// Every second process begins as a server.
constexpr bool begins_as_server(uint64_t space) { return space % 2 == 1; }

// Of News: what; whether there is more; whether another process is in that one's place by now.
constexpr uint64_t news_word(uint64_t what, bool more, bool gone) { return what | (more ? 0x100u : 0u) | (gone ? 0x200u : 0u); }
inline constexpr uint64_t kWaits = 0x400;  // of AwaitNews instead: there is none yet

struct Operation {
    Kind kind = Kind::Read;
    uint8_t worker = 0;      // the CPU that does it
    uint8_t space = 0;
    uint8_t other = 0;       // of two spaces: the destination
    uint8_t word = 0;        // Read, Write, Execute: index into kWordIndex
    uint64_t address = 0;
    uint64_t bytes = 0;
    uint64_t protection = 0;
    uint64_t flags = 0;
    uint64_t value = 0;      // Write; Remap: where it is to lie, 0: anywhere
    bool operator==(const Operation&) const = default;
};

// How an access ended. A fault that cannot be served would kill the program; the test lets it live.
enum class Access : uint8_t { Done, Refused, OutOfMemory };

struct Outcome {
    Error error = Error::None;     // of a call; then nothing else is told, but of a BadExecutable the reason, as `more`
    uint64_t address = 0;          // of Brk, and where the system has put what it has mapped; MemoryControl; Load: where the program begins
    Access access = Access::Done;  // of Read, Write, Execute
    uint64_t value = 0;            // of Read and Write; the physical address of Physical, Hold, LostHold, and what Map has made contiguous; References;
                                   // Regions: their digest; News: whose they are, its space plus one, or 0; MemoryControl: bytes;
                                   // Load: the stack; of what is made present all pages that are there then, to be read
    uint64_t more = 0;             // References: the memory's identity; LostHold: bytes; Regions: their pages; News: news_word(); of what
                                   // is made present likewise, to be written
    bool operator==(const Outcome&) const = default;
};

constexpr bool is_access(Kind kind) { return kind == Kind::Read || kind == Kind::Write || kind == Kind::Execute; }

std::string describe(const Operation& operation);
std::string describe(const Operation& operation, const Outcome& outcome);

}  // namespace shoal::model
