/* The kernel's IPC between CPUs, transcribed: what ipc_send_receive.pml, ipc_migration.pml and ipc_deadlock.pml share.
 *
 * Mirrors kernel/core/ipc/{send,receive,reply,completion,withdraw,probe}.cpp, kernel/core/mail/handle_mail.cpp,
 * kernel/core/objects/death.cpp, kernel/core/sched/migration.cpp; each inline has the name of the function it stands for.
 *
 * A kernel section is one atomic step: of what it touches only mailboxes and the words that are split off below (`todo`) are
 * visible to other CPUs. One mail at a time and traps in between: a superset of handle_mail(). Any ready thread may run: a
 * superset of the scheduler, and of every delay of an interrupt.
 *
 * A scenario defines NT (threads), NC (CPUs), user(t): what a ready thread does next; and checks what is left at the end.
 */
#define ANY 255
#define NOBODY 0
#define EP(t, g) ((g) * 4 + (t))
#define SLOT(e) ((e) % 4)
#define FULL_NAME(t) EP(t, th[t].gen)

/* Errors. */
#define NONE 0
#define LOCKED 1
#define DEAD_PARTNER 2  /* DeadSourceOrDestination */
#define DEAD_NAME 3     /* DeadEndpoint */

/* Nodes of a thread, as bits of th[].posted. */
#define REQUEST 1
#define REPLY 2
#define WITHDRAW 4
#define PROBE 8
#define STOP 16
#define ARRIVE 32
#define OBITUARY 64

mtype = { Free, Ready, Sending, Receiving, Dead };
mtype:mail = { Send, Completed, Reply, Withdraw, Withdrawn, Probe, ProbeHome, Stop, Arrive, PartnerDied };

typedef Thread {
  byte name;                  /* endpoint, or 0 */
  byte gen;
  byte home;
  mtype state;
  byte from;                  /* Receiving: endpoint or ANY */
  byte to;                    /* Sending: endpoint */
  bit finishing, reply_when_sent, withdrawing, sent_meanwhile, ending, in_transit, stop_on_arrival;
  byte stamp;
  byte nodes_out;
  bit watched;
  byte withdrawn;             /* an error */
  byte result;                /* RAX of the last trap */
  byte outcome;               /* of the request node */
  byte count;                 /* number of its sends */
  byte withdraw_count, withdraw_target;
  byte reply_claim, reply_target, reply_source, reply_count;
  byte probe_claim, probe_initiator, probe_target, probe_stamp, probe_hops;
  bit probe_sends, probe_cycle, probe_again;
  bit stop_posted, stop_handled;
  byte obituary;              /* endpoint */
  byte posted;                /* which of its nodes lie in a mailbox */
  /* The checker's own. */
  byte last;                  /* count of the last message of it that was delivered */
  byte owes, owes_count;      /* the endpoint that waits for this one's reply */
  byte waits;                 /* the endpoint it waits for in truth; falls when that one has acted */
  bit true_cycle;             /* there was one through it when its probe started */
  byte pc;
};
Thread th[NT];
byte probe_clock;
chan mail[NC] = [10] of { mtype:mail, byte };
chan callers[NT] = [NT] of { byte };

/* What a CPU in the kernel still has to do, where another CPU may come in between. */
#define NOTHING 0
#define CHECK_SOURCE 1
#define ANNOUNCE 2
byte todo[NC], todo_thread[NC], todo_endpoint[NC];

inline post(cpu, kind, node, t) {
  assert((th[t].posted & node) == 0);  /* no node in two mailboxes */
  th[t].posted = th[t].posted | node;
  mail[cpu]!kind, t;
}

/* ---- what is true, for the checks ---- */

inline acted_for(t) { th[t].waits = NOBODY }

inline find_true_cycle(t, yes) {
  yes = false; at = th[t].waits; hops = 0;
  do
  :: at == NOBODY || at == ANY || hops > NT -> break
  :: else ->
     if
     :: th[SLOT(at)].name != at -> break
     :: at == th[t].name -> yes = true; break
     :: else -> at = th[SLOT(at)].waits; hops++
     fi
  od;
  at = 0; hops = 0
}

/* A message goes over. */
inline transfer(s, d) {
  assert(th[s].count > th[s].last);  /* none twice, and in order of sending */
  th[s].last = th[s].count;
  th[d].owes = NOBODY;
  if
  :: th[s].reply_when_sent -> th[d].owes = FULL_NAME(s); th[d].owes_count = th[s].count
  :: else -> acted_for(s)
  fi;
  th[d].finishing = 0; th[d].result = NONE; th[d].state = Ready; acted_for(d)
}

inline answer_send(t, e) {
  assert((e == NONE) == (th[t].last == th[t].count));  /* success if and only if it was delivered */
  th[t].result = e; th[t].state = Ready; acted_for(t)
}

/* ---- objects/death.cpp ---- */

inline thread_is_gone(t) {
  if
  :: th[t].stop_posted && !th[t].stop_handled -> skip
  :: else ->
     assert(th[t].posted == 0);  /* no slot is free while a node of it is out */
     assert(len(callers[t]) == 0);
     th[t].state = Free
  fi
}

inline node_is_back(t) {
  assert(th[t].nodes_out > 0);
  th[t].nodes_out--;
  if
  :: th[t].nodes_out == 0 && th[t].state == Dead -> thread_is_gone(t)
  :: else
  fi
}

inline finish_ending(t) {
  th[t].state = Dead; acted_for(t);
  if
  :: th[t].reply_claim == FULL_NAME(t) -> th[t].reply_claim = 0
  :: else -> th[t].nodes_out++
  fi;
  if
  :: th[t].probe_claim == FULL_NAME(t) -> th[t].probe_claim = 0
  :: else -> th[t].nodes_out++
  fi;
#ifndef WAIT_FOR_WITHDRAWN
  if
  :: th[t].withdrawing -> th[t].nodes_out++
  :: else
  fi;
#endif
  if
  :: th[t].nodes_out == 0 -> thread_is_gone(t)
  :: else
  fi
}

inline give_back_reply(t) {
  if
  :: th[t].state == Dead -> node_is_back(t)
  :: else -> th[t].reply_claim = FULL_NAME(t)
  fi
}

inline give_back_probe(t) {
  if
  :: th[t].state == Dead -> node_is_back(t)
  :: else -> th[t].probe_claim = FULL_NAME(t)
  fi
}

/* ---- ipc/completion.cpp ---- */

inline complete_send(t, e) {
  if
  :: th[t].ending -> th[t].to = NOBODY; finish_ending(t)
  :: !th[t].ending && th[t].reply_when_sent && e == NONE ->
     assert(th[t].last == th[t].count);
     th[t].state = Receiving; th[t].from = th[t].to; th[t].finishing = 1; th[t].to = NOBODY
  :: else -> th[t].to = NOBODY; answer_send(t, e)
  fi;
  th[t].reply_when_sent = 0
}

inline on_completed(t) {
#ifdef WAIT_FOR_WITHDRAWN  /* the sender goes on only when its withdraw node is back */
  if
  :: th[t].withdrawing -> th[t].sent_meanwhile = 1
  :: else -> th[t].withdrawn = 0; complete_send(t, th[t].outcome)
  fi
#else
  th[t].withdrawn = 0;
  complete_send(t, th[t].outcome)
#endif
}

inline conclude_send(t, e) {
  th[t].outcome = e;
  if
  :: th[t].home == me -> on_completed(t)
  :: else -> post(th[t].home, Completed, REQUEST, t)
  fi
}

inline refuse_callers(t) {
  do
  :: nempty(callers[t]) ->
     callers[t]?other; acted_for(other); conclude_send(other, DEAD_PARTNER)
  :: empty(callers[t]) -> break
  od
}

inline tell_receivers_here(endpoint) {
  i = 0;
  do
  :: i == NT -> break
  :: else ->
     if
     :: th[i].home == me && th[i].state == Receiving && th[i].from == endpoint ->
        th[i].finishing = 0; th[i].result = DEAD_PARTNER; th[i].state = Ready; acted_for(i)
     :: else
     fi;
     i++
  od;
  i = 0
}

/* ---- ipc/withdraw.cpp ---- */

inline post_withdraw(t) {
  th[t].withdrawing = 1;
  th[t].withdraw_target = th[t].to; th[t].withdraw_count = th[t].count;
  post(th[SLOT(th[t].to)].home, Withdraw, WITHDRAW, t)
}

inline withdraw(t, e) {
  if
  :: th[SLOT(th[t].to)].home == me && callers[SLOT(th[t].to)]??[eval(t)] ->
     callers[SLOT(th[t].to)]??eval(t);
     th[t].outcome = e; th[t].withdrawn = 0; acted_for(t); complete_send(t, e)
#ifdef WAIT_FOR_WITHDRAWN
  :: !(th[SLOT(th[t].to)].home == me && callers[SLOT(th[t].to)]??[eval(t)]) && th[t].withdrawing -> skip
  :: !(th[SLOT(th[t].to)].home == me && callers[SLOT(th[t].to)]??[eval(t)]) && !th[t].withdrawing ->
     th[t].withdrawn = e; post_withdraw(t)
#else
  :: else ->
     th[t].withdrawn = e;
     if
     :: th[t].withdrawing  /* for an earlier send; on_withdrawn() posts it again */
     :: else -> post_withdraw(t)
     fi
#endif
  fi
}

inline on_withdrawn(t) {
  th[t].withdrawing = 0;
#ifdef WAIT_FOR_WITHDRAWN
  if
  :: th[t].sent_meanwhile ->
     th[t].sent_meanwhile = 0; th[t].withdrawn = 0; complete_send(t, th[t].outcome)
  :: else
  fi
#else
  if
  :: th[t].state == Dead -> node_is_back(t)
  :: th[t].state == Sending && th[t].withdrawn != 0 && th[t].withdraw_count != th[t].count -> post_withdraw(t)
  :: else
  fi
#endif
}

#define withdraw_finds(t) \
  (th[SLOT(th[t].withdraw_target)].name == th[t].withdraw_target && callers[SLOT(th[t].withdraw_target)]??[eval(t)])

inline on_withdraw(t) {
  if
#ifdef BLIND_WITHDRAW  /* forgets that this may be about an earlier send */
  :: withdraw_finds(t) ->
#else
  :: withdraw_finds(t) && th[t].withdraw_count == th[t].count ->
#endif
     callers[SLOT(th[t].withdraw_target)]??eval(t); acted_for(t); conclude_send(t, th[t].withdrawn)
  :: else
  fi;
  if
  :: th[t].home == me -> on_withdrawn(t)
  :: else -> post(th[t].home, Withdrawn, WITHDRAW, t)
  fi
}

/* ---- objects/death.cpp, the rest; end_thread() in two steps ---- */

inline end_thread(t) {
  if
  :: th[t].state == Dead || th[t].state == Free || th[t].ending -> skip
  :: !(th[t].state == Dead || th[t].state == Free || th[t].ending) && th[t].in_transit -> th[t].stop_on_arrival = 1
  :: else ->
     todo_endpoint[me] = FULL_NAME(t);
     th[t].name = 0; refuse_callers(t);
     todo[me] = ANNOUNCE; todo_thread[me] = t
  fi
}

inline announce_and_take_out(t) {
  todo[me] = NOTHING;
  tell_receivers_here(todo_endpoint[me]);
#ifndef NO_OBITUARY
  if
  :: th[t].watched && NC > 1 ->
     th[t].nodes_out++; th[t].obituary = todo_endpoint[me];
     post((me + 1) % NC, PartnerDied, OBITUARY, t)
  :: else
  fi;
#endif
  if
  :: th[t].state == Sending -> th[t].ending = 1; withdraw(t, DEAD_PARTNER)
  :: else -> finish_ending(t)
  fi
}

inline on_partner_died(t) {
  if
  :: th[t].home == me -> node_is_back(t)
  :: else ->
     tell_receivers_here(th[t].obituary);
     post((me + 1) % NC, PartnerDied, OBITUARY, t)
  fi
}

/* ---- ipc/probe.cpp ---- */

/* walk_here(), from walk_at on. verdict: 0 ends, 1 cycle, 2 leaves this CPU */
inline walk_here(initiator, sends, newest, first, hops0) {
  walk_at = first; hops = hops0; verdict = 0;
  do
  :: hops > NT -> break
  :: hops <= NT && th[SLOT(walk_at)].home != me -> verdict = 2; break
  :: else ->
     k = SLOT(walk_at); next = NOBODY;
     if
#ifdef WITHDRAWN_STILL_WAIT
     :: th[k].state == Sending -> next = th[k].to
#else
     :: th[k].state == Sending && th[k].withdrawn == 0 -> next = th[k].to
#endif
     :: th[k].state == Receiving && th[k].from != ANY -> next = th[k].from
     :: else
     fi;
     if
     :: next == NOBODY -> break
#ifndef NO_STAMPS
     :: next != NOBODY && th[k].stamp > newest -> break
#endif
     :: else ->
        if
        :: next == initiator ->
           if
           :: hops == 1 && sends != (th[k].state == Sending) -> break  /* they meet */
           :: else -> verdict = 1; break
           fi
        :: next != initiator && th[SLOT(next)].name != next -> break
        :: else -> walk_at = next; hops++
        fi
     fi
  od;
  next = 0; k = 0
}

#ifdef WITHDRAWN_STILL_WAIT
#define waits_for_one(t) (th[t].state == Sending || (th[t].state == Receiving && th[t].from != ANY))
#else
#define waits_for_one(t) \
  ((th[t].state == Sending && th[t].withdrawn == 0) || (th[t].state == Receiving && th[t].from != ANY))
#endif

inline start_probe(t) {
  if
#ifdef NO_PROBES
  :: true -> skip
#endif
  :: th[t].name == NOBODY -> skip
#ifndef NO_PROBES
  :: th[t].name != NOBODY && th[t].probe_claim != th[t].name -> th[t].probe_again = 1
  :: else ->
     th[t].probe_claim = 0;
     th[t].probe_initiator = th[t].name;
     th[t].probe_sends = (th[t].state == Sending);
     th[t].probe_stamp = probe_clock; probe_clock++;
     find_true_cycle(t, yes); th[t].true_cycle = yes;
     if
     :: th[t].state == Sending -> th[t].probe_target = th[t].to
     :: else -> th[t].probe_target = th[t].from
     fi;
     th[t].probe_hops = 1;
#ifdef WALK_AT_ONCE  /* without looking into the mailbox first */
     walk_here(th[t].probe_initiator, th[t].probe_sends, th[t].probe_stamp, th[t].probe_target, 1);
     th[t].probe_hops = hops; th[t].probe_cycle = (verdict == 1);
     if
     :: verdict == 2 -> th[t].probe_target = walk_at; post(th[SLOT(walk_at)].home, Probe, PROBE, t)
     :: else -> post(th[t].home, ProbeHome, PROBE, t)
     fi;
     hops = 0; walk_at = 0; verdict = 0
#else
     post(th[SLOT(th[t].probe_target)].home, Probe, PROBE, t)
#endif
#endif
  fi
}

inline report_cycle(t) {
  if
  :: waits_for_one(t) && th[t].stamp <= th[t].probe_stamp ->
     assert(th[t].true_cycle);  /* never falsely */
     if
     :: th[t].state == Sending -> withdraw(t, LOCKED)
     :: else -> th[t].finishing = 0; th[t].result = LOCKED; th[t].state = Ready; acted_for(t)
     fi
  :: else
  fi
}

inline on_probe_home(t) {
  if
  :: th[t].probe_cycle && th[t].name == th[t].probe_initiator -> report_cycle(t)
  :: else
  fi;
  give_back_probe(t);
  if
  :: th[t].probe_again && th[t].state != Free && th[t].state != Dead ->
     th[t].probe_again = 0;
     if
     :: waits_for_one(t) -> start_probe(t)
     :: else
     fi
  :: else
  fi
}

inline on_probe(t) {
  if
  :: th[SLOT(th[t].probe_target)].name != th[t].probe_target -> verdict = 0
  :: else ->
     walk_here(th[t].probe_initiator, th[t].probe_sends, th[t].probe_stamp, th[t].probe_target, th[t].probe_hops);
     th[t].probe_hops = hops
  fi;
  if
  :: verdict == 2 -> th[t].probe_target = walk_at; post(th[SLOT(walk_at)].home, Probe, PROBE, t)
  :: else ->
     th[t].probe_cycle = (verdict == 1);
     if
     :: th[t].home == me -> on_probe_home(t)
     :: else -> post(th[t].home, ProbeHome, PROBE, t)
     fi
  fi;
  hops = 0; walk_at = 0; verdict = 0
}

/* ---- ipc/send.cpp ---- */

#define accepts(d, s) (th[d].state == Receiving && (th[d].from == ANY || th[d].from == FULL_NAME(s)))

inline wait_as_sender(t, endpoint) {
  th[t].state = Sending; th[t].to = endpoint; th[t].stamp = probe_clock; th[t].waits = endpoint
}

/* Send, or SendReceive if reply is set. */
inline send(t, endpoint, wants_reply) {
  if
  :: th[SLOT(endpoint)].name != endpoint -> th[t].result = DEAD_NAME
  :: else ->
     d = SLOT(endpoint);
     th[t].count++; th[t].reply_when_sent = wants_reply;
     if
     :: th[d].home != me -> wait_as_sender(t, endpoint); post(th[d].home, Send, REQUEST, t)
     :: th[d].home == me && accepts(d, t) ->
        th[t].waits = endpoint; transfer(t, d);
        if
        :: wants_reply ->
           th[t].state = Receiving; th[t].from = endpoint; th[t].stamp = probe_clock; th[t].finishing = 1
        :: else -> th[t].result = NONE
        fi;
        th[t].reply_when_sent = 0
     :: else ->
        walk_here(FULL_NAME(t), 1, 255, endpoint, 1);
        if
        :: verdict == 1 ->
           th[t].waits = endpoint; find_true_cycle(t, yes); assert(yes); th[t].waits = NOBODY;
           th[t].reply_when_sent = 0; th[t].result = LOCKED
        :: else ->
           wait_as_sender(t, endpoint); callers[d]!t;
           if
           :: verdict == 2 -> start_probe(t)
           :: else
           fi
        fi;
        hops = 0; walk_at = 0; verdict = 0
     fi;
     d = 0
  fi
}

inline on_send(t) {
  d = SLOT(th[t].to);
  if
  :: th[d].name != th[t].to -> acted_for(t); conclude_send(t, DEAD_NAME)
  :: th[d].name == th[t].to && th[t].withdrawn != 0 -> acted_for(t); conclude_send(t, th[t].withdrawn)
  :: else ->
     if
     :: accepts(d, t) ->
        transfer(t, d);
        if
        :: th[t].home != me -> th[d].watched = 1
        :: else
        fi;
        conclude_send(t, NONE)
     :: else ->
        callers[d]!t;
        if
        :: th[d].state == Sending || (th[d].state == Receiving && th[d].from != ANY) -> start_probe(t)
        :: else
        fi
     fi
  fi;
  d = 0
}

/* ---- ipc/receive.cpp; wait_for() in two steps where the source lives elsewhere ---- */

inline first_caller(t, from_endpoint) {
  other = ANY; i = len(callers[t]);
  do
  :: i == 0 -> break
  :: else ->
     callers[t]?k;
     if
     :: other == ANY && (from_endpoint == ANY || FULL_NAME(k) == from_endpoint) -> other = k
     :: else -> callers[t]!k
     fi;
     i--
  od;
  k = 0
}

inline begin_to_wait(t, endpoint) {
  th[t].state = Receiving; th[t].from = endpoint; th[t].stamp = probe_clock; th[t].waits = endpoint
}

inline receive(t, endpoint) {
  first_caller(t, endpoint);
  if
  :: other != ANY ->
     transfer(other, t);
     if
     :: th[other].home != me -> th[t].watched = 1
     :: else
     fi;
     conclude_send(other, NONE)
  :: other == ANY && endpoint == ANY -> begin_to_wait(t, ANY)
  :: other == ANY && endpoint != ANY && th[SLOT(endpoint)].name != endpoint -> th[t].result = DEAD_NAME
  :: else ->
     if
     :: th[SLOT(endpoint)].home == me ->
        walk_here(FULL_NAME(t), 0, 255, endpoint, 1);
        if
        :: verdict == 1 ->
           th[t].waits = endpoint; find_true_cycle(t, yes); assert(yes); th[t].waits = NOBODY;
           th[t].result = LOCKED
        :: else ->
           begin_to_wait(t, endpoint);
           if
           :: verdict == 2 -> start_probe(t)
           :: else
           fi
        fi;
        hops = 0; walk_at = 0; verdict = 0
     :: else ->
#ifndef UNWATCHED
        th[SLOT(endpoint)].watched = 1;
#endif
        todo[me] = CHECK_SOURCE; todo_thread[me] = t; todo_endpoint[me] = endpoint
     fi
  fi;
  other = 0
}

inline check_source(t, endpoint) {
  todo[me] = NOTHING;
  if
  :: th[SLOT(endpoint)].name != endpoint -> th[t].result = DEAD_PARTNER
  :: else -> begin_to_wait(t, endpoint); start_probe(t)
  fi
}

/* ---- ipc/reply.cpp; the sender goes on at once ---- */

inline put_reply(s, d, n) {
  assert(n == th[d].count);  /* the answer to what it has asked last */
  th[d].finishing = 0; th[d].result = NONE; th[d].state = Ready; acted_for(d)
}

inline reply(t) {
  d = SLOT(th[t].owes);
  if
  :: th[d].name != th[t].owes -> skip
  :: th[d].name == th[t].owes && th[d].home == me ->
     if
     :: th[d].state == Receiving && th[d].from == FULL_NAME(t) && th[d].finishing -> put_reply(t, d, th[t].owes_count)
     :: else
     fi
  :: else ->
     assert(th[d].reply_claim == th[t].owes);  /* else it would ask: one reply to a request here */
     th[d].reply_claim = 0; th[d].reply_target = th[t].owes;
     th[d].reply_source = FULL_NAME(t); th[d].reply_count = th[t].owes_count;
     acted_for(d);
     post(th[d].home, Reply, REPLY, d)
  fi;
  th[t].owes = NOBODY; d = 0
}

inline on_reply(t) {
  if
  :: th[t].name == th[t].reply_target && th[t].state == Receiving && th[t].from == th[t].reply_source && th[t].finishing ->
     put_reply(SLOT(th[t].reply_source), t, th[t].reply_count)
  :: else
  fi;
  give_back_reply(t)
}

/* ---- sched/migration.cpp ---- */

inline migrate(t, cpu) {
  th[t].in_transit = 1;
  th[t].watched = 1;
  th[t].home = cpu;
  post(cpu, Arrive, ARRIVE, t)
}

inline arrive(t) {
  th[t].in_transit = 0;
  if
  :: th[t].stop_on_arrival -> th[t].stop_on_arrival = 0; end_thread(t)
  :: else
  fi
}

inline on_stop(t) {
  th[t].stop_handled = 1;
  end_thread(t);
  if
  :: th[t].state == Dead && th[t].nodes_out == 0 -> thread_is_gone(t)
  :: else
  fi
}

/* ---- mail/handle_mail.cpp ---- */

inline where(kind, t) {
  h = me;
  if
#ifndef NO_FORWARDING
  :: kind == Send -> h = th[SLOT(th[t].to)].home
  :: kind == Withdraw -> h = th[SLOT(th[t].withdraw_target)].home
  :: kind == Probe -> h = th[SLOT(th[t].probe_target)].home
#endif
  :: kind == Reply || kind == Stop || kind == Withdrawn -> h = th[t].home
#ifndef PROBE_STAYS
  :: kind == ProbeHome -> h = th[t].home
#endif
  :: else
  fi
}

inline node_of(kind) {
  if
  :: kind == Send || kind == Completed -> node = REQUEST
  :: kind == Reply -> node = REPLY
  :: kind == Withdraw || kind == Withdrawn -> node = WITHDRAW
  :: kind == Probe || kind == ProbeHome -> node = PROBE
  :: kind == Stop -> node = STOP
  :: kind == Arrive -> node = ARRIVE
  :: kind == PartnerDied -> node = OBITUARY
  fi
}

inline handle(kind, t) {
  node_of(kind);
  th[t].posted = th[t].posted & (255 - node);
  where(kind, t);
  if
  :: h != me -> post(h, kind, node, t)
  :: else ->
     if
     :: kind == Send -> on_send(t)
     :: kind == Completed -> assert(th[t].home == me); on_completed(t)
     :: kind == Reply -> on_reply(t)
     :: kind == Withdraw -> on_withdraw(t)
     :: kind == Withdrawn -> assert(th[t].home == me); on_withdrawn(t)
     :: kind == Probe -> on_probe(t)
     :: kind == ProbeHome -> assert(th[t].home == me); on_probe_home(t)
     :: kind == Stop -> on_stop(t)
     :: kind == Arrive -> arrive(t)
     :: kind == PartnerDied -> on_partner_died(t)
     fi
  fi;
  h = 0; node = 0
}

#define runnable(t) (th[t].home == me && th[t].state == Ready && !th[t].in_transit && th[t].name != 0)

inline begin_life(t, cpu) {
  th[t].gen++;
  th[t].name = FULL_NAME(t); th[t].home = cpu; th[t].state = Ready;
  th[t].finishing = 0; th[t].withdrawing = 0; th[t].sent_meanwhile = 0; th[t].ending = 0; th[t].in_transit = 0;
  th[t].stop_on_arrival = 0; th[t].reply_when_sent = 0; th[t].watched = 0; th[t].withdrawn = 0; th[t].nodes_out = 0;
  th[t].result = 0; th[t].count = 0; th[t].last = 0; th[t].owes = 0; th[t].waits = 0; th[t].pc = 0;
  th[t].probe_again = 0; th[t].stop_posted = 0; th[t].stop_handled = 0;
  th[t].reply_claim = th[t].name; th[t].probe_claim = th[t].name
}
