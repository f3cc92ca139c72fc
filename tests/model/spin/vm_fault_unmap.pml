/* A fault without locks beside an munmap and an mprotect of the same page.
 *
 * Mirrors servers/vm/fault/touch_page.cpp (touch_page, Attempt::serve, touch_locked), servers/vm/space/segment.{hpp,cpp} (lookup,
 * unchanged, Change), servers/vm/leaf/leaf_map.cpp (install, next), servers/vm/calls/range_operation.cpp (do_part, visit). One page;
 * its leaf does not exist at first, or does. The writer's store to the version goes through a store buffer (x86-TSO).
 *
 * Checked: after munmap has returned no page is mapped there; after mprotect no page has more rights than its region.
 */
/* MUTANT_1: the version is not checked under the leaf's lock. MUTANT_2: leaves are visited before the version changes.
 * MUTANT_3: the version is stored without a fence. MUTANT_4: the version is checked before the leaf's lock is taken. */
#define ABSENT 0
#define READ 1
#define WRITE 2

byte version;                   /* of the segment; odd: changing */
byte region = WRITE;            /* the access of the region over the page; ABSENT: none */
byte page;                      /* the page table entry */
bit leaf, leaf_lock, segment_lock;
#define VERSION 0
#define REGION 1
chan buffer = [3] of { byte, byte };  /* stores of the one changer that holds the segment's lock, to version and region */
byte limit = WRITE;             /* what has been returned to the callers: no page may have more */

proctype StoreBuffer() {
  byte word, value;
end:
  do
  :: atomic {
       buffer?word, value;
       if
       :: word == VERSION -> version = value
       :: else -> region = value
       fi;
       word = 0; value = 0
     }
  od
}

/* Taking a lock is a locked instruction: the changer's buffer is empty after it. */
inline lock(word) { atomic { !word -> word = 1 } }
#define fence() empty(buffer)
inline unlock(word) { word = 0 }

/* A store of the version, sequentially consistent: an XCHG. */
inline bump() {
  my_version++;
#ifdef MUTANT_3
  buffer!VERSION, my_version
#else
  atomic { empty(buffer) -> version = my_version }
#endif
}

/* do_part(): the regions change, then the leaves are visited, under the segment's lock. */
proctype Changer(byte access) {
  byte my_version;
  lock(segment_lock);
  my_version = version;
#ifdef MUTANT_2
  if
  :: leaf ->
     lock(leaf_lock);
     if
     :: page > access -> page = access
     :: else
     fi;
     unlock(leaf_lock)
  :: !leaf
  fi;
#endif
  if
  :: region == ABSENT -> skip               /* it is gone already: munmap of nothing, mprotect refuses */
  :: else ->
     bump();
     if
     :: access < region -> buffer!REGION, access
     :: else
     fi;
     bump();
#ifndef MUTANT_2
     if                                     /* LeafMap::next(): a leaf that is not there yet is not visited */
     :: leaf ->
        fence(); lock(leaf_lock);
        if
        :: page > access -> page = access   /* visit(): unmap_pages(), protect_pages(); flushes are tlb_flush.pml's */
        :: else
        fi;
        unlock(leaf_lock)
     :: !leaf
     fi
#endif
  fi;
  atomic {
    if
    :: access < limit -> limit = access     /* the call returns */
    :: else
    fi
  };
  fence();  /* stores are seen in order: the unlocking is the last */
  unlock(segment_lock)
}

proctype Fault() {
  byte seen_version, seen_region, attempts;
  do
  :: attempts < 2 ->
     seen_version = version;                /* lookup() */
     if
     :: seen_version & 1 -> attempts++; goto next
     :: else
     fi;
     seen_region = region;
     if
     :: version != seen_version -> attempts++; goto next
     :: else
     fi;
     if
     :: seen_region == ABSENT -> break      /* the process is killed */
     :: else
     fi;
     if
     :: leaf
     :: !leaf -> leaf = 1                   /* install(): a compare-and-swap; whoever is second uses the first's */
     fi;
#ifdef MUTANT_4
     if
     :: version != seen_version -> attempts++; goto next
     :: else
     fi;
#endif
     lock(leaf_lock);
#if !defined(MUTANT_1) && !defined(MUTANT_4)
     if
     :: version != seen_version -> unlock(leaf_lock); attempts++; goto next
     :: else
     fi;
#endif
     if                                     /* map_page(), upgrade_page() */
     :: page < seen_region -> page = seen_region
     :: else
     fi;
     unlock(leaf_lock);
     break;
next: skip
  :: else ->                                /* touch_locked() */
     lock(segment_lock);
     seen_region = region;
     if
     :: seen_region != ABSENT ->
        if
        :: leaf
        :: !leaf -> leaf = 1
        fi;
        lock(leaf_lock);
        if
        :: page < seen_region -> page = seen_region
        :: else
        fi;
        unlock(leaf_lock)
     :: else
     fi;
     unlock(segment_lock);
     break
  od
}

proctype Check() {
end:
  !leaf_lock && page > limit -> assert(false)
}

init {
  atomic {
    if
    :: leaf = 1
    :: skip
    fi;
    run StoreBuffer(); run Changer(READ); run Changer(ABSENT); run Fault(); run Fault(); run Check()
  }
}
