/* Cycles of waiting threads: reported to at least one member, and to none that is in no cycle.
 *
 * Mirrors kernel/core/ipc/probe.cpp and what ipc_core.inc.pml names. Three threads on two CPUs, each with a few traps of its
 * choice: Send, SendReceive, receive from somebody in particular, then its end. Whoever owes a reply may give it before. `waits` is
 * the truth: it falls when the partner has acted, whatever is still in a mailbox.
 *
 * Checked: a probe that says "cycle" to somebody who still waits started when there was one; so does the walk on one CPU. In the
 * end nobody waits: each cycle was broken by a report, everything else by the end of a partner.
 */
/* MUTANT_1: the walk begins before this CPU has looked into its mailbox. MUTANT_2: waits are not stamped.
 * MUTANT_3: no probe starts where a chain leaves the CPU. */
#ifdef MUTANT_1
#define WALK_AT_ONCE
#endif
#ifdef MUTANT_2
#define NO_STAMPS
#endif
#ifdef MUTANT_3
#define NO_PROBES
#endif
#define NT 3
#define NC 2
#include "ipc_core.inc.pml"
#ifndef TRAPS
#define TRAPS 1
#endif

inline partner(t) {
  if
  :: h = (t + 1) % NT
  :: h = (t + 2) % NT
  fi
}

inline user(t) {
  if
  :: th[t].owes != NOBODY -> reply(t)
  :: th[t].pc < TRAPS + (t == 1) ->
     th[t].pc++;
     partner(t);
     h = EP(h, 1);
     if
     :: yes = 0; send(t, h, yes)
     :: yes = 1; send(t, h, yes)
     :: node = 0; receive(t, h)
     fi;
     h = 0; yes = 0
  :: th[t].pc == TRAPS + (t == 1) -> th[t].pc++; end_thread(t)
  fi
}

#include "ipc_cpu.inc.pml"

init {
  atomic {
    begin_life(0, 0); begin_life(1, 1); begin_life(2, 0);
    run Cpu(0); run Cpu(1)
  }
  timeout ->
  assert(empty(mail[0]) && empty(mail[1]));
  assert(th[0].state == Free); assert(th[1].state == Free); assert(th[2].state == Free)
}
