1a: b: { flow: jump @end }
"x y": { flow: cond_jump 1, @"x y"; jump 0 }
L0: { flow: jump 1 } end:
