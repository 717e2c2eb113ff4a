.machine scratch=64
.name x 3
.name v 8 8
{ alu: + x, x, x; + x, v, v }
{ valu: + v, v, v; + v+7, v, v }
{ load: vload 57, x }
{ store: store x, v; store v, x }
{ flow: halt; halt }
{ alu: + 64, 0, -1 }
{ alu: ["frobnicate", 1, 2] }
{ flow: jump 99 }
{ flow: cond_jump_rel x, -50 }
