/* Faults without the segment's lock beside an munmap and an mprotect of the same page, and a map that is taken down and put up again by
 * the short ways.
 *
 * Mirrors servers/vm/fault/touch_granted.hpp, servers/vm/fault/touch_page.cpp (touch_reserving, Attempt::serve, touch_locked),
 * servers/vm/space/segment.{hpp,cpp} (lookup, unchanged, Change, vacate), servers/vm/leaf/leaf_map.cpp (install, next),
 * servers/vm/calls/range_operation.cpp (do_part, visit), servers/vm/calls/short_ways.hpp. One page; its leaf does not exist at first, or
 * does, and may have been granted it. The writer's stores to version and region go through a store buffer (x86-TSO).
 *
 * Checked: after munmap has returned no page is mapped there; after mprotect no page has more rights than its region; a map that was put
 * up for reading is not written.
 */
/* MUTANT_1: the version is not checked under the leaf's lock. MUTANT_2: leaves are visited before the version changes.
 * MUTANT_3: the version is stored without a fence. MUTANT_4: the version is checked before the leaf's lock is taken.
 * MUTANT_5: the grant is not looked at again under the leaf's lock. MUTANT_6: who takes pages away leaves the grant.
 * MUTANT_7: the short munmap believes that a leaf which was not there has no page. MUTANT_8: the short munmap leaves the grant.
 * MUTANT_9: a leaf is put in its place before the place is marked. */
#define ABSENT 0
#define READ 1
#define WRITE 2

byte version;                   /* of the segment; odd: changing */
byte region = WRITE;            /* the access of the region over the page; ABSENT: none */
byte page;                      /* the page table entry */
byte grant;                     /* what the leaf remembers that the region allows; ABSENT: nothing */
bit leaf, leaf_lock, segment_lock;
bit marked;                     /* LeafNode::mark_taken(): the place is worth looking at */
#define VERSION 0
#define REGION 1
chan buffer = [3] of { byte, byte };  /* stores of the one changer that holds the segment's lock, to version and region */
byte limit = WRITE;             /* what has been returned to the callers: no page may have more */

/* LeafMap::insert() */
inline install() {
#ifdef MUTANT_9
  leaf = 1; marked = 1
#else
  marked = 1; leaf = 1
#endif
}

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
     :: marked
     :: !marked -> goto visited
     fi;
     if
     :: leaf ->
        fence(); lock(leaf_lock);
#ifndef MUTANT_6
        grant = ABSENT;
#endif
        if
        :: page > access -> page = access   /* visit(): unmap_pages(), protect_pages(); flushes are tlb_flush.pml's */
        :: else
        fi;
        unlock(leaf_lock)
     :: !leaf
     fi;
visited: skip
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

/* unmap_shortly(), then map_shortly() for reading. */
proctype ShortWays() {
  byte my_version;
  bit found;
  found = leaf;                             /* LeafMap::find(), before the segment's lock */
  lock(segment_lock);
  my_version = version;
  if
  :: region == ABSENT || !found ->
#ifdef MUTANT_7
     if
     :: region != ABSENT ->
        bump(); buffer!REGION, ABSENT; bump();
        atomic { limit = ABSENT }
     :: else
     fi
#else
     skip                                   /* not this way */
#endif
  :: else ->
     lock(leaf_lock);
     bump(); buffer!REGION, ABSENT; bump(); /* vacate() */
#ifndef MUTANT_8
     grant = ABSENT;
#endif
     page = ABSENT;
     fence();
     unlock(leaf_lock);
     limit = ABSENT
  fi;
  fence();
  unlock(segment_lock);

  lock(segment_lock);
  my_version = version;
  if
  :: region == ABSENT && found && limit == ABSENT ->
     limit = READ;                          /* from here on there is a map */
     bump(); buffer!REGION, READ; bump();   /* open_recent() */
     grant = READ                           /* without the leaf's lock */
  :: else
  fi;
  fence();
  unlock(segment_lock)
}

proctype Fault() {
  byte seen_version, seen_region, seen_grant, attempts;
  if                                        /* touch_granted() */
  :: leaf && grant != ABSENT ->
     seen_grant = grant;
     lock(leaf_lock);
     if
#ifdef MUTANT_5
     :: seen_grant != ABSENT && page == ABSENT -> page = seen_grant; unlock(leaf_lock); goto done
#else
     :: grant == seen_grant && page == ABSENT -> page = seen_grant; unlock(leaf_lock); goto done
#endif
     :: else -> unlock(leaf_lock)
     fi
  :: else
  fi;
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
     :: !leaf -> install()                  /* a compare-and-swap; whoever is second uses the first's */
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
     grant = seen_region;                   /* grant_next(); its second look at the version is for forget() */
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
        :: !leaf -> install()
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
  od;
done: skip
}

proctype Check() {
end:
  !leaf_lock && page > limit -> assert(false)
}

init {
  atomic {
    if
    :: marked = 1; leaf = 1
    :: marked = 1; leaf = 1; grant = WRITE
    :: skip
    fi;
    run StoreBuffer();
    if
    :: run Changer(READ); run Changer(ABSENT)
    :: run ShortWays(); run Changer(READ)
    fi;
    run Fault(); run Fault(); run Check()
  }
}
