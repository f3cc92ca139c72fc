/* Send, SendReceive, reply, receive from somebody in particular, withdrawing, death and slot reuse, between two CPUs.
 *
 * Mirrors what ipc_core.inc.pml names. Thread 0 (CPU 0) sends twice, either way, and may wait for a message of thread 1
 * (CPU 1), a server, in particular. At any moment: the client's wait is said to close a cycle (once),
 * one of the threads is killed, a slot that has become free is taken again.
 *
 * Checked: no message is lost or taken twice, each source's in order; success exactly when it was taken; a reply answers the
 * last question; no node in two mailboxes, none out when its slot is freed; in the end nobody waits for one that is dead or
 * has answered.
 */
/* MUTANT_1: the sender goes on only when its withdraw node is back (the reply comes too early: it waits for ever).
 * MUTANT_2: a withdrawal does not say which send it means. MUTANT_3: no obituary. MUTANT_4: a receiver does not mark its source. */
#ifdef MUTANT_1
#define WAIT_FOR_WITHDRAWN
#endif
#ifdef MUTANT_2
#define BLIND_WITHDRAW
#endif
#ifdef MUTANT_3
#define NO_OBITUARY
#endif
#ifdef MUTANT_4
#define UNWATCHED
#endif
#define NT 2
#define NC 2
#include "ipc_core.inc.pml"
#define SERVER EP(1, 1)

inline user(t) {
  if
  :: t == 0 && th[0].pc < 2 -> th[0].pc++; send(0, SERVER, 1)
  :: t == 0 && th[0].pc < 2 -> th[0].pc++; send(0, SERVER, 0)
  :: t == 0 && th[0].pc <= 2 -> th[0].pc = 3; receive(0, SERVER)
  :: t == 0 && th[0].pc >= 2 -> th[0].pc = 4; end_thread(0)
  :: t == 1 && th[1].owes == NOBODY -> receive(1, ANY)
  :: t == 1 && th[1].owes != NOBODY -> reply(1)
  fi
}

#include "ipc_cpu.inc.pml"

/* A probe has come home to CPU 0 and tells of a cycle. */
proctype Cycle(byte me) {
  byte other, i;
end:
  atomic {
    todo[me] == NOTHING && th[0].state == Sending && th[0].withdrawn == 0 && !th[0].ending -> withdraw(0, LOCKED)
  }
}

proctype Killer() {
  byte t;
end:
  if
  :: t = 0
  :: t = 1
  fi;
  atomic {
    if
    :: th[t].name != NOBODY && !th[t].stop_posted -> th[t].stop_posted = 1; post(th[t].home, Stop, STOP, t)
    :: else
    fi
  }
}

proctype Births() {
end:
  atomic {
    if
    :: th[0].state == Free -> begin_life(0, 0)
    :: th[0].state == Free -> begin_life(0, 1)
    :: th[1].state == Free -> begin_life(1, 0)
    fi
  }
}

#define settled(t) (th[t].state == Free || \
  (th[t].state == Receiving && (th[t].from == ANY || th[SLOT(th[t].from)].name == th[t].from) && !th[t].finishing))

init {
  atomic {
    begin_life(0, 0); begin_life(1, 1);
    run Cpu(0); run Cpu(1); run Cycle(0); run Killer(); run Births()
  }
  timeout ->
  assert(empty(mail[0]) && empty(mail[1]));
  assert(settled(0)); assert(settled(1))
}
