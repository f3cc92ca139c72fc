/* A CPU that goes to sleep while others post: no wake is lost.
 *
 * Mirrors kernel/core/mail/mailbox.hpp (post, take_all, empty), kernel/core/mail/post.cpp (post_for), kernel/core/cpu.hpp (publish),
 * kernel/core/sched/scheduler.cpp (choose). Stores go through a store buffer of one CPU each (x86-TSO: Sewell et al.,
 * "x86-TSO", CACM 53(7), 2010); a locked instruction empties it first. Each poster posts a node for a thread of priority 5.
 *
 * Checked: every node is handled, once; in the end the consumer does not sleep over a mailbox that is not empty.
 */
/* MUTANT_1: publish() is a plain store. MUTANT_2: nobody looks into the mailbox after publishing.
 * MUTANT_3: post_for() reads the published priority before it posts. */
#define POSTERS 2
#define ASLEEP 255
#define BUSY 3   /* a better priority than the posters' threads have: no interrupt */

byte published = BUSY;
bit buffered; byte buffered_value;  /* the consumer's store buffer: to `published` */
byte top;                           /* the stack of nodes, as a set: order is no matter here */
byte handled[POSTERS];
bit interrupt, asleep;

inline handle_mail() {
  atomic {
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

/* Runs something urgent; that ends; chooses again, and sleeps. An interrupt is let in only then. */
active proctype Consumer() {
  byte i;
  handle_mail();
again:
  handle_mail();
  publish(ASLEEP);
#ifndef MUTANT_2
  if
  :: top != 0 -> goto again
  :: top == 0
  fi;
#endif
  asleep = 1;
end:
  interrupt -> atomic { interrupt = 0; asleep = 0 };
  handle_mail();
  if
  :: publish(BUSY)
  :: skip
  fi;
  goto again
}

active proctype StoreBuffer() {
end:
  do
  :: atomic { buffered -> published = buffered_value; buffered = 0 }
  od
}

active [POSTERS] proctype Poster() {
  byte seen;
#ifdef MUTANT_3
  seen = published;
  atomic { top = top | (1 << (_pid - 2)) };
#else
  atomic { top = top | (1 << (_pid - 2)) };  /* the compare-and-swap that succeeds */
  seen = published;
#endif
  if
  :: seen >= 5 -> interrupt = 1
  :: else
  fi
}

active proctype Check() {
  timeout -> assert(top == 0 && handled[0] == 1 && handled[1] == 1 && asleep)
}
