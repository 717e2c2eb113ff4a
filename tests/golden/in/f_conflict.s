.name x 0
.name y 1
{ load: const x, 1; const y, 2 }
{ alu: + x, y, y; - x, y, x }
