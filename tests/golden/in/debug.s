# Doubles eight words until a counter runs out, and stores them.
.name i 0             # counts down
.name one 1
.name addr 2
.name v 8 8

{ load: const i, 3; const one, 1 }
{ load: const addr, 0x10; vload v, addr }
again:
{ alu: - i, i, one
  valu: + v, v, v }
{ flow: cond_jump i, @again }
{ store: vstore addr, v; flow: halt; debug: comment "all done" }
