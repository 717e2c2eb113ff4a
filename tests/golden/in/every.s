# Names, labels, comments, hex, numbers, engines in any order, line ends as separators.
.machine vlen=4 alu=3 cores=2
.name a 0            # one word
.name v 0x10 4
.name "odd name" 40
start:
{ load: const a, 0xffffffff; const "odd name", -0x10
  alu: + a, a, "odd name"
       - v+1, v+2, 7 }
{ debug: comment "no cost"; compare a, [1, "x"]; flow: cond_jump a, @end }
loop: {}
{ valu: multiply_add v, v,
        v, v; alu: }
{ flow: cond_jump_rel a, -2 }
{ flow: jump @loop }
{ flow: jump 0 }
{ alu: ["vsub", 1, 2] }
end:
