/* Requests that arrive at an old home, replies and withdrawals that meet a migration, kills on the way.
 *
 * Mirrors kernel/core/sched/migration.cpp (migrate, arrive), kernel/core/mail/handle_mail.cpp (where, handle_mail) and what
 * ipc_core.inc.pml names. Thread 0 sends to thread 1, a server; either may move to the next of three CPUs while it is ready, two
 * moves in all. Once
 * the client's wait is said to close a cycle, and one of the two may be killed.
 */
/* MUTANT_1: mail for a thread that has moved is handled where it arrives. MUTANT_2: a probe comes home to the old home.
 * MUTANT_3: the sender goes on only when its withdraw node is back. */
#ifdef MUTANT_1
#define NO_FORWARDING
#endif
#ifdef MUTANT_2
#define PROBE_STAYS
#endif
#ifdef MUTANT_3
#define WAIT_FOR_WITHDRAWN
#endif
#define NT 2
#define NC 3
#include "ipc_core.inc.pml"
#define SERVER EP(1, 1)

byte moves_left = 2;

inline user(t) {
  if
  :: t == 0 && th[0].pc < 1 -> th[0].pc++; send(0, SERVER, 1)
  :: t == 0 && th[0].pc == 1 -> th[0].pc++; end_thread(0)
  :: t == 1 && th[1].owes == NOBODY && th[1].pc == 0 -> receive(1, ANY)
  /* Once it first asks for a message of the client, so that a probe travels. */
  :: t == 1 && th[1].owes == NOBODY && th[1].pc == 0 -> th[1].pc++; receive(1, EP(0, 1))
  :: t == 1 && th[1].owes == NOBODY && th[1].pc == 1 -> receive(1, ANY)
  :: t == 1 && th[1].owes != NOBODY -> reply(1)
  :: moves_left > 0 -> moves_left--; migrate(t, (me + 1) % NC)
  fi
}

#include "ipc_cpu.inc.pml"

proctype Cycle(byte me) {
  byte other, i;
end:
  atomic {
    todo[me] == NOTHING && th[0].home == me && th[0].state == Sending && th[0].withdrawn == 0 && !th[0].ending ->
    withdraw(0, LOCKED)
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

init {
  atomic {
    begin_life(0, 0); begin_life(1, 1);
    run Cpu(0); run Cpu(1); run Cpu(2); run Killer(); run Cycle(0)
  }
  timeout ->
  assert(empty(mail[0]) && empty(mail[1]) && empty(mail[2]));
  assert(th[0].state == Free);
  assert(th[1].state == Free || (th[1].state == Receiving && th[1].from == ANY && !th[1].in_transit))
}
