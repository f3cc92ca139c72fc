/* One CPU: its mail and the traps of its threads. After user() of the scenario. */
proctype Cpu(byte me) {
  byte t, d, h, i, k, other, node, hops, walk_at, verdict, next, at;
  bit yes;
  mtype:mail kind;
end:
  do
  :: todo[me] == CHECK_SOURCE -> atomic { check_source(todo_thread[me], todo_endpoint[me]) }
  :: todo[me] == ANNOUNCE -> atomic { announce_and_take_out(todo_thread[me]) }
  :: atomic { todo[me] == NOTHING && nempty(mail[me]) -> mail[me]?kind, t; handle(kind, t); t = 0; kind = Send }
  :: atomic { todo[me] == NOTHING && runnable(0) -> user(0) }
  :: atomic { todo[me] == NOTHING && runnable(1) -> user(1) }
#if NT > 2
  :: atomic { todo[me] == NOTHING && runnable(2) -> user(2) }
#endif
  od
}
