/* Who detaches a leaf beside who changes the segment's tree at one end of the leaf, who attaches it, and faults.
 *
 * Mirrors servers/vm/calls/detach.cpp (detach, publish, attach), servers/vm/calls/range_operation.cpp (leaf_to_itself, do_detached, edit,
 * beside_detached, visit), servers/vm/fault/touch_page.cpp (touch_reserving, serve_detached), servers/vm/fault/attempt.hpp (serve). A leaf
 * of two pages, in a region that goes on behind it. One call makes the first page inaccessible, which is the leaf's own affair; another
 * gives the second page and what follows it the access `after`, in place of `before`. Version, visiting and own are stored by
 * locked instructions, so that no store buffer is needed.
 *
 * Checked: in the end each page has the access that its call gave it, by whoever is the authority, and its entry allows no more.
 */
/* MUTANT_1: who detaches does not look at the version again. MUTANT_2: nor whether leaves are being visited.
 * MUTANT_3: who changes the tree does not look for a detached leaf at its end. MUTANT_4: he looks before he begins his change.
 * MUTANT_5: a fault does not look for own regions under the leaf's lock. MUTANT_6: a call believes that the leaf is still detached. */
#define NONE 1
#define READ 2
#define WRITE 3

byte version;            /* of the segment; odd: changing */
byte tree[2];            /* the access of the regions over the two pages, by the tree */
byte own[2];             /* by the leaf's own regions, if it is detached */
byte entry[2] = NONE;    /* the page table */
bit visiting, detached, leaf_lock, segment_lock;
byte after;
byte ended;

inline lock(word) { atomic { !word -> word = 1 } }
inline unlock(word) { word = 0 }
inline lower_entry(page, access) {
  if
  :: entry[page] > access -> entry[page] = access
  :: else
  fi
}

/* Under the leaf's lock nobody else reads or writes but `detached`: such a section is one step.
 * A lookup of both pages: the region reaches over all of the leaf if they are alike. Taken: seen, looked_up. */
inline look_up() {
  seen = version;
  atomic { looked_up = tree[0]; whole = tree[0] == tree[1] }
}

/* A change of the tree for one page, with the visit of the leaf. Taken: done. */
inline change_tree(page, access) {
  lock(segment_lock);
#ifdef MUTANT_4
  found = detached;
#endif
  visiting = 1;
  version++;
#ifdef MUTANT_3
  found = 0;
#endif
#if !defined(MUTANT_3) && !defined(MUTANT_4)
  found = detached;
#endif
  if
  :: found -> version++; done = 0
  :: else ->
     tree[page] = access;
     version++;
     atomic {
       !leaf_lock ->
       if
       :: detached -> own[0] = access; own[1] = access   /* it takes it for a leaf that it covers whole */
       :: else
       fi;
       lower_entry(page, access);
       done = 1
     }
  fi;
  atomic { visiting = 0; unlock(segment_lock) }
}

/* A change of the leaf's own regions. Taken: done. */
inline change_own(page, access) {
  atomic {
    !leaf_lock ->
#ifdef MUTANT_6
    own[page] = access; lower_entry(page, access); done = 1
#else
    if
    :: detached -> own[page] = access; lower_entry(page, access); done = 1
    :: else
    fi
#endif
  }
}

/* mprotect of the first page: it detaches the leaf if it can. */
proctype Inside() {
  byte seen, looked_up;
  bit whole, done, found;
  do
  :: done -> break
  :: else ->
     if
     :: detached -> change_own(0, NONE)
     :: else ->
        look_up();
        if
        :: whole && seen % 2 == 0 ->
           lock(leaf_lock);
           if
           :: !detached ->
              own[0] = looked_up; own[1] = looked_up;
              detached = 1;
              if
#ifndef MUTANT_1
              :: version != seen -> detached = 0
#endif
#ifndef MUTANT_2
              :: visiting -> detached = 0
#endif
              :: else
              fi
           :: else
           fi;
           unlock(leaf_lock)
        :: else
        fi;
        if
        :: detached
        :: else -> change_tree(0, NONE)
        fi
     fi
  od;
  ended++
}

/* mprotect of the second page and what follows. */
proctype Beyond() {
  bit done, found;
  do
  :: done -> break
  :: else ->
     if
     :: detached -> change_own(1, after)
     :: else -> change_tree(1, after)
     fi
  od;
  ended++
}

proctype Attacher() {
  lock(segment_lock);
  version++;
  atomic {
    !leaf_lock ->
    if
    :: detached -> tree[0] = own[0]; tree[1] = own[1]; detached = 0
    :: else
    fi
  };
  atomic { version++; unlock(segment_lock); ended++ }
}

/* A write to a page; refused where its access does not allow it. */
proctype Fault(byte page) {
  byte seen, access;
  bit over;
  do
  :: over -> break
  :: else ->
     if
     :: detached ->
        atomic {
          !leaf_lock ->
          if
          :: detached -> over = 1; if :: own[page] == WRITE -> entry[page] = WRITE :: else fi
          :: else
          fi
        }
     :: else ->
        seen = version;
        access = tree[page];
        atomic {
          !leaf_lock ->
          if
#ifndef MUTANT_5
          :: detached
#endif
          :: version != seen || seen % 2 == 1
          :: else -> over = 1; if :: access == WRITE -> entry[page] = WRITE :: else fi
          fi
        }
     fi
  od;
  ended++
}

init {
  atomic {
    tree[0] = WRITE;
    if
    :: tree[1] = WRITE; after = READ
    :: tree[1] = READ; after = WRITE
    fi;
    run Inside(); run Beyond(); run Attacher();
    if
    :: run Fault(0)
    :: run Fault(1)
    fi
  };
  ended == 4;
  assert((detached -> own[0] : tree[0]) == NONE && (detached -> own[1] : tree[1]) == after);
  assert(entry[0] == NONE && entry[1] <= after)
}
