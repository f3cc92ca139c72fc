/* A CPU that goes to sleep while others post: no wake is lost.
 *
 * Mirrors kernel/core/mail/mailbox.hpp (post, listen, stop_listening, take_all, empty), kernel/core/mail/post.cpp (post_for),
 * kernel/core/cpu.hpp (publish), kernel/core/sched/scheduler.cpp (choose), kernel/smp/entry/entry.S (idle). Stores go through a store buffer of one CPU each (x86-TSO: Sewell et al.,
 * "x86-TSO", CACM 53(7), 2010); a locked instruction empties it first. Each poster posts a node for a thread of priority 5.
 *
 * Checked: every node is handled, once; in the end the consumer does not sleep, or run somebody less urgent, over a mailbox that
 * is not empty.
 */
/* MUTANT_1: publish() is a plain store. MUTANT_2: nobody looks into the mailbox after publishing.
 * MUTANT_3: post_for() reads the published priority before it posts. MUTANT_4: who stops listening does not ask whether mail has come.
 * MUTANT_5: an interrupt while listening does not end it. MUTANT_6: stop_listening() looks, then stores.
 * MUTANT_7: it publishes that it sleeps after it has stopped listening. */
#define POSTERS 2
#define ASLEEP 255
#define LISTENING 128  /* in the place of a node */
#define LOW 9
#define BUSY 3   /* a better priority than the posters' threads have: no interrupt */

byte published = BUSY;
bit buffered; byte buffered_value;  /* the consumer's store buffer: to `published` */
byte top;                           /* the stack of nodes, as a set: order is no matter here */
byte handled[POSTERS];
bit interrupt, waiting;  /* waiting: for an interrupt */

inline handle_mail() {
  atomic {
    assert(top != LISTENING);
    i = 0;
    do
    :: i == POSTERS -> break
    :: else ->
       if
       :: top & (1 << i) -> handled[i]++; assert(handled[i] == 1)
       :: else
       fi;
       i++
    od;
    top = 0; i = 0
  }
}

inline publish(value) {
#ifdef MUTANT_1
  atomic { !buffered -> buffered = 1; buffered_value = value }
#else
  atomic { !buffered -> published = value }
#endif
}

inline stop_listening() {
#ifdef MUTANT_6
  heard = top != LISTENING;
  if :: !heard -> top = 0 :: else fi;
#else
  atomic {
    heard = top != LISTENING;
    if :: !heard -> top = 0 :: else fi
  }
#endif
}

/* Runs something urgent; that ends; chooses again: somebody less urgent than the posters' threads, who runs until an interrupt, or nobody,
 * and listens and sleeps. Interrupts are let in only then. */
active proctype Consumer() {
  byte i;
  bit heard;
  handle_mail();
again:
  handle_mail();
  if
  :: publish(LOW);
#ifndef MUTANT_2
     if
     :: top != 0 -> goto again
     :: top == 0
     fi;
#endif
     goto waits
  :: publish(BUSY)  /* kAwake */
  fi;
  atomic { if :: top == 0 -> top = LISTENING :: else -> goto again fi };
  if
  :: top != LISTENING -> goto again
  :: interrupt ->
     interrupt = 0;
#ifndef MUTANT_5
     stop_listening();
#endif
     goto again
  :: skip  /* it has looked often enough */
  fi;
#ifndef MUTANT_7
  publish(ASLEEP);
#endif
#ifdef MUTANT_4
  atomic { if :: top == LISTENING -> top = 0 :: else fi };
#else
  stop_listening();
  if
  :: heard -> goto again
  :: else
  fi;
#endif
#ifdef MUTANT_7
  publish(ASLEEP);
#endif
waits:
  waiting = 1;
end:
  interrupt -> atomic { interrupt = 0; waiting = 0 };
  publish(BUSY);
  handle_mail();
  goto again
}

active proctype StoreBuffer() {
end:
  do
  :: atomic { buffered -> published = buffered_value; buffered = 0 }
  od
}

/* The compare-and-swap that succeeds. */
inline post() {
  atomic {
    listens = top == LISTENING;
    if :: listens -> top = 0 :: else fi;
    top = top | (1 << (_pid - 2))
  }
}

active [POSTERS] proctype Poster() {
  byte seen;
  bit listens;
#ifdef MUTANT_3
  seen = published;
  post();
#else
  post();
  seen = published;
#endif
  if
  :: !listens && seen >= 5 -> interrupt = 1
  :: else
  fi
}

active proctype Check() {
  timeout -> assert(top == 0 && handled[0] == 1 && handled[1] == 1 && waiting)
}
