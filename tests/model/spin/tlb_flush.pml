/* Entries that go, CPUs that load the space meanwhile, marks, acknowledgements, and frames used again.
 *
 * Mirrors kernel/core/space/cpu_spaces.{hpp,cpp} (load, switch_to, flush_later, uses, mark_stale) and flush_exchange.cpp (post,
 * mark_or_find_users, serve, do_share, acknowledge), with tags: loading a root keeps what the TLB has under its tag. One CPU runs
 * the space, two others each remove a page of it, flush, and give its frame away. Stores of the CPUs go through store buffers
 * (x86-TSO), kept in order; locked instructions, MFENCE and MOV to CR3 empty them.
 *
 * Checked: no translation to a frame is used after the flush was done and the frame given to somebody else.
 */
/* MUTANT_1: serving a batch for single pages clears the mark. MUTANT_2: no fence between F2 and F4.
 * MUTANT_3: the mark is read before loaded_ is stored. MUTANT_4: a batch for a space that has just been left is merely acknowledged. */
#define PAGES 2
#define BUFFER 4

/* Words of shared memory. */
#define ENTRY0 0      /* 1: present */
#define ENTRY1 1
#define STALE 2
#define LOADED 3      /* 1: the space */
#define WORDS 4
byte memory[WORDS];
chan buffer[3] = [BUFFER] of { byte, byte };  /* CPUs 0, 1: flush; 2 runs the space */

chan batches = [PAGES] of { byte };           /* posted to CPU 2: the page */
bit acknowledged[PAGES], reused[PAGES];
bit tlb[PAGES];                               /* CPU 2 has the translation */

inline store(cpu, word, value) { buffer[cpu]!word, value }
inline fence(cpu) { empty(buffer[cpu]) }

proctype StoreBuffers() {
  byte word, value;
end:
  do
  :: atomic { nempty(buffer[0]) -> buffer[0]?word, value; memory[word] = value; word = 0; value = 0 }
  :: atomic { nempty(buffer[1]) -> buffer[1]?word, value; memory[word] = value; word = 0; value = 0 }
  :: atomic { nempty(buffer[2]) -> buffer[2]?word, value; memory[word] = value; word = 0; value = 0 }
  od
}

/* VM removes an entry, then the kernel's post(); the frame is given away when the flush is done. */
proctype Flusher(byte page) {
  store(page, page, 0);                       /* F1 */
  fence(page);                                /* the fence at the head of post() */
#ifndef MUTANT_1
  if                                          /* mark_or_find_users(): who uses it gets the batch and no mark */
  :: memory[LOADED] -> goto post
  :: !memory[LOADED]
  fi;
#endif
  store(page, STALE, 1);                      /* F2 */
#ifndef MUTANT_2
  fence(page);                                /* F3 */
#endif
  if                                          /* F4 */
  :: !memory[LOADED] -> goto done
  :: memory[LOADED]
  fi;
post:
  atomic { fence(page); batches!page };       /* a locked instruction */
  acknowledged[page];
done:
  reused[page] = 1
}

/* Serving: do_share() and acknowledge(). */
inline serve() {
  do
  :: batches?page ->
     if
     :: mine ->
#ifdef MUTANT_1
        store(2, STALE, 0);
#endif
        atomic { fence(2); tlb[page] = 0 }    /* INVLPG is serialising */
#ifdef MUTANT_4
     :: !mine
#else
     :: !mine -> store(2, STALE, 1)           /* flush_later() */
#endif
     fi;
     atomic { fence(2); acknowledged[page] = 1 }
  :: empty(batches) -> break
  od
}

proctype Runner() {
  byte page;
  bit mine;                                   /* has_loaded(), as the CPU itself sees it */
  byte rounds = 2;
end:
  do
  :: !mine && rounds > 0 ->                   /* switch_to() */
     rounds--;
#ifdef MUTANT_3
     if
     :: memory[STALE] -> atomic { fence(2); memory[STALE] = 0; tlb[0] = 0; tlb[1] = 0 }
     :: !memory[STALE]
     fi;
     mine = 1; store(2, LOADED, 1); fence(2)
#else
     mine = 1; store(2, LOADED, 1);           /* U1 */
     fence(2);                                /* U2: MOV to CR3 */
     if                                       /* U3 */
     :: memory[STALE] -> atomic { fence(2); memory[STALE] = 0 }; atomic { tlb[0] = 0; tlb[1] = 0 }
     :: !memory[STALE]
     fi
#endif
  :: mine -> mine = 0; store(2, LOADED, 0)    /* another space */
  :: nempty(batches) -> serve()               /* the interrupt; also while another space is loaded */
  :: mine ->                                  /* U4: an access of user mode, from the TLB or by a walk */
     page = 0;
     if
     :: page = 1
     :: skip
     fi;
     atomic {
       if
       :: tlb[page] -> assert(!reused[page])  /* the translation used is none to a frame that is somebody else's */
       :: !tlb[page] && memory[page] -> tlb[page] = 1; assert(!reused[page])
       :: else
       fi
     };
     page = 0
  od
}

init {
  atomic {
    memory[ENTRY0] = 1; memory[ENTRY1] = 1;
    run StoreBuffers(); run Flusher(0); run Flusher(1); run Runner()
  }
}
