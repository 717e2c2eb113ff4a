.name p 0
.name v 1530 6
{ load: const p, 4 }
{ load: vload v, p; flow: trace_write p }
